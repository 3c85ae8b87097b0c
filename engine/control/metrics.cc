#include "engine/control/metrics.h"

#include <fmt/format.h>
#include <rte_version.h>

#include <algorithm>
#include <utility>

#include "engine/device/eal.h"
#include "probes/wire/assert.h"

namespace backsight::engine {
namespace {

using prometheus::MetricType;
using Sources = MetricSources;
using Samples = MetricSamples;

constexpr MetricType kCounter = MetricType::Counter;
constexpr MetricType kGauge = MetricType::Gauge;

// Scrapes closer together than this see the same busy ratio: it needs some time to be one.
constexpr std::chrono::milliseconds kRatioTime{500};

double number(const Counter& counter) { return static_cast<double>(counter.value()); }

// The sum over all workers.
template <typename Read>
double sum(const Sources& sources, Read read) {
  std::uint64_t total = 0;
  for (const auto& worker : sources.vp.workers()) total += read(worker->counters()).value();
  return static_cast<double>(total);
}

template <auto Member>
void all_workers(const Sources& sources, Samples& samples) {
  samples.add(sum(
      sources, [](const auto& counters) -> auto& { return counters.*Member; }));
}

template <auto Member>
void control(const Sources& sources, Samples& samples) {
  samples.add(number(sources.vp.counters().*Member));
}

template <auto Member>
void each_worker(const Sources& sources, Samples& samples) {
  for (std::size_t i = 0; i < sources.vp.workers().size(); ++i) {
    samples.add(number(sources.vp.workers()[i]->counters().*Member), {fmt::to_string(i)});
  }
}

template <auto Member>
void each_worker_seconds(const Sources& sources, Samples& samples) {
  for (std::size_t i = 0; i < sources.vp.workers().size(); ++i) {
    const double ticks = number(sources.vp.workers()[i]->counters().*Member);
    samples.add(ticks / static_cast<double>(sources.vp.clock().hz()), {fmt::to_string(i)});
  }
}

// One sample an enumerator, over all workers.
template <typename Enum, auto Member>
void each_of(const Sources& sources, Samples& samples) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Enum::kCount); ++i) {
    const auto which = static_cast<Enum>(i);
    const auto read = [which](const auto& counters) -> auto& { return (counters.*Member)[which]; };
    samples.add(sum(sources, read), {name(which)});
  }
}

void each_refusal(const Sources& sources, Samples& samples) {
  for (std::size_t i = 1; i < static_cast<std::size_t>(queue::Reason::kCount); ++i) {
    const auto reason = static_cast<queue::Reason>(i);
    samples.add(number(sources.vp.counters().refused[reason]), {name(reason)});
  }
}

template <typename Read>
void each_port(const Sources& sources, Samples& samples, Read read) {
  for (const auto& port : sources.vp.ports()) {
    samples.add(static_cast<double>(read(*port)), {device_name(port->config().device)});
  }
}

template <auto Member>
void each_port_count(const Sources& sources, Samples& samples) {
  each_port(sources, samples, [](const Port& port) { return port.statistics().*Member; });
}

std::vector<MetricRow> make_rows() {
  using W = WorkerCounters;
  using C = ControlCounters;
  using P = PortStatistics;
  return {
      {"backsight_build_info",
       "Always 1; its labels say what runs.",
       kGauge,
       {"version", "compiler", "dpdk"},
       [](const Sources& sources, Samples& samples) {
         samples.add(1, {sources.version, "g++ " __VERSION__, rte_version()});
       }},
      {"backsight_vp_start_time_seconds",
       "When the process started, in Unix time.",
       kGauge,
       {},
       [](const Sources& sources, Samples& samples) {
         samples.add(static_cast<double>(sources.vp.counters().started_unix_seconds));
       }},
      {"backsight_vp_ready",
       "1 if /readyz says so.",
       kGauge,
       {},
       [](const Sources& sources, Samples& samples) {
         samples.add(sources.vp.why_not_ready().empty() ? 1 : 0);
       }},
      {"backsight_vp_silenced",
       "1 while the kill switch (SIGUSR1) is on.",
       kGauge,
       {},
       [](const Sources& sources, Samples& samples) {
         samples.add(sources.vp.is_silenced() ? 1 : 0);
       }},
      {"backsight_vp_rate_limit_pps",
       "Packets a second that all probes together may take (rates.total_pps).",
       kGauge,
       {},
       [](const Sources& sources, Samples& samples) {
         samples.add(static_cast<double>(sources.vp.rate_pps()));
       }},
      {"backsight_vp_reloads_total", "SIGHUPs obeyed.", kCounter, {}, control<&C::reloads>},
      {"backsight_vp_reload_failures_total",
       "SIGHUPs refused for a fault in a file; the old config stays.",
       kCounter,
       {},
       control<&C::reload_failures>},

      {"backsight_vp_tasks_received_total",
       "Tasks read that name themselves, good or bad.",
       kCounter,
       {},
       control<&C::tasks_received>},
      {"backsight_vp_task_lines_unreadable_total",
       "What should be a task but has no id that could be answered.",
       kCounter,
       {},
       control<&C::lines_unreadable>},
      {"backsight_vp_tasks_refused_total",
       "Tasks that admission refused.",
       kCounter,
       {"reason"},
       each_refusal},
      {"backsight_vp_tasks_assigned_total",
       "Tasks given to a worker.",
       kCounter,
       {},
       control<&C::assigned>},
      {"backsight_vp_results_total",
       "Tasks that a worker ended, by how.",
       kCounter,
       {"outcome"},
       each_of<queue::Outcome, &W::results>},
      {"backsight_vp_results_put_total",
       "Results handed over: on disk in the queue, or written to the file.",
       kCounter,
       {},
       control<&C::results_put>},
      {"backsight_vp_observations_put_total",
       "Replies to the fleet's spoofed probes, handed over.",
       kCounter,
       {},
       control<&C::observations_put>},
      {"backsight_vp_batches_put_total",
       "Batches of results and observations handed over.",
       kCounter,
       {},
       control<&C::batches_put>},
      {"backsight_vp_put_failures_total",
       "Batches that could not be handed over and are tried again.",
       kCounter,
       {},
       control<&C::put_failures>},
      {"backsight_vp_spool_bytes",
       "Results in the queue that no consumer has committed.",
       kGauge,
       {},
       [](const Sources& sources, Samples& samples) {
         samples.add(static_cast<double>(sources.spool_bytes));
       }},

      {"backsight_vp_probes_sent_total",
       "Probes that a port accepted.",
       kCounter,
       {"kind"},
       each_of<probes::Kind, &W::sent>},
      {"backsight_vp_spoofed_probes_sent_total",
       "Of these, with an enrolled address as source.",
       kCounter,
       {},
       all_workers<&W::spoofed>},
      {"backsight_vp_packets_received_total",
       "Packets fetched from the ports.",
       kCounter,
       {"worker"},
       each_worker<&W::received>},
      {"backsight_vp_packets_rejected_total",
       "Packets received that are no reply that can be read.",
       kCounter,
       {"reason"},
       each_of<probes::Reject, &W::rejected>},
      {"backsight_vp_replies_total",
       "Packets received that are, by what became of them.",
       kCounter,
       {"outcome"},
       each_of<RxOutcome, &W::outcomes>},
      {"backsight_vp_arp_sent_total",
       "ARP requests and replies sent.",
       kCounter,
       {},
       all_workers<&W::arp_sent>},
      {"backsight_vp_echo_replies_sent_total",
       "Pings of others answered.",
       kCounter,
       {},
       all_workers<&W::echo_replies_sent>},

      {"backsight_vp_inflight_entries",
       "In-flight slots in use.",
       kGauge,
       {"worker"},
       each_worker<&W::inflight>},
      {"backsight_vp_inflight_capacity",
       "In-flight slots (engine.inflight).",
       kGauge,
       {"worker"},
       [](const Sources& sources, Samples& samples) {
         for (std::size_t i = 0; i < sources.vp.workers().size(); ++i) {
           samples.add(sources.vp.workers()[i]->inflight_capacity(), {fmt::to_string(i)});
         }
       }},
      {"backsight_vp_waiting_tasks",
       "Tasks held back by limits.",
       kGauge,
       {"worker"},
       each_worker<&W::waiting>},
      {"backsight_vp_traces_under_way",
       "Traceroutes begun and not ended.",
       kGauge,
       {"worker"},
       each_worker<&W::traces>},
      {"backsight_vp_transmit_full_total",
       "Bursts that a port did not take whole: it sends slower than asked.",
       kCounter,
       {},
       all_workers<&W::transmit_full>},
      {"backsight_vp_no_buffer_total",
       "Bursts put off for want of packet buffers.",
       kCounter,
       {},
       all_workers<&W::no_buffer>},
      {"backsight_vp_inflight_full_total",
       "Rounds in which no probe could leave: every in-flight slot was in use.",
       kCounter,
       {},
       all_workers<&W::inflight_full>},
      {"backsight_vp_results_full_total",
       "Rounds in which a worker did nothing: its results were not fetched.",
       kCounter,
       {},
       all_workers<&W::results_full>},

      {"backsight_vp_worker_busy_ratio",
       "Share of its time in which a worker had something to do, since the scrape before.",
       kGauge,
       {"worker"},
       [](const Sources& sources, Samples& samples) {
         for (std::size_t i = 0; i < sources.busy_ratios.size(); ++i) {
           samples.add(sources.busy_ratios[i], {fmt::to_string(i)});
         }
       }},
      {"backsight_vp_worker_busy_seconds_total",
       "Time in rounds that did something.",
       kCounter,
       {"worker"},
       each_worker_seconds<&W::busy_ticks>},
      {"backsight_vp_worker_idle_seconds_total",
       "Time in rounds that found nothing to do.",
       kCounter,
       {"worker"},
       each_worker_seconds<&W::idle_ticks>},

      {"backsight_vp_port_link_up",
       "1 if the port has a link.",
       kGauge,
       {"port"},
       [](const Sources& sources, Samples& samples) {
         each_port(sources, samples, [](const Port& port) { return port.link_is_up() ? 1 : 0; });
       }},
      {"backsight_vp_port_gateway_known",
       "1 if the gateway answered ARP, or there is none to ask.",
       kGauge,
       {"port"},
       [](const Sources& sources, Samples& samples) {
         each_port(sources, samples,
                   [](const Port& port) { return port.neighbours().gateway_is_known() ? 1 : 0; });
       }},
      {"backsight_vp_port_packets_received_total",
       "Packets that the port received.",
       kCounter,
       {"port"},
       each_port_count<&P::received>},
      {"backsight_vp_port_packets_transmitted_total",
       "Packets that the port sent.",
       kCounter,
       {"port"},
       each_port_count<&P::transmitted>},
      {"backsight_vp_port_rx_missed_total",
       "Packets that the port dropped because no worker fetched them in time.",
       kCounter,
       {"port"},
       each_port_count<&P::rx_missed>},
      {"backsight_vp_port_rx_errors_total",
       "Packets that arrived broken.",
       kCounter,
       {"port"},
       each_port_count<&P::rx_errors>},
      {"backsight_vp_port_rx_no_buffer_total",
       "Times the port had no buffer to receive into.",
       kCounter,
       {"port"},
       each_port_count<&P::rx_no_buffer>},
      {"backsight_vp_port_tx_errors_total",
       "Packets that the port failed to send.",
       kCounter,
       {"port"},
       each_port_count<&P::tx_errors>},
      {"backsight_vp_port_packet_buffers_in_use",
       "Packet buffers of the port's pool that somebody holds.",
       kGauge,
       {"port"},
       [](const Sources& sources, Samples& samples) {
         each_port(sources, samples, [](const Port& port) { return port.buffers_in_use(); });
       }},
  };
}

std::string labels_text(const MetricRow& row) {
  std::string text;
  for (const std::string_view label : row.labels) {
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", label);
  }
  return text;
}

}  // namespace

std::span<const MetricRow> metric_rows() {
  static const std::vector<MetricRow> rows = make_rows();
  return rows;
}

std::string print_metrics_manual() {
  std::string text = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
  for (const MetricRow& row : metric_rows()) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", row.name,
                        row.type == kCounter ? "counter" : "gauge", labels_text(row), row.help);
  }
  return text;
}

void MetricSamples::add(double value, std::initializer_list<std::string_view> label_values) {
  BACKSIGHT_ASSERT(label_values.size() == labels_.size());
  prometheus::ClientMetric metric;
  auto label = labels_.begin();
  for (const std::string_view text : label_values) {
    metric.label.push_back({std::string(*label++), std::string(text)});
  }
  (family_.type == kCounter ? metric.counter.value : metric.gauge.value) = value;
  family_.metric.push_back(std::move(metric));
}

VantagePointMetrics::VantagePointMetrics(const VantagePoint& vp, std::string version)
    : vp_(vp),
      version_(std::move(version)),
      last_(vp.workers().size()),
      busy_ratios_(vp.workers().size()) {}

void VantagePointMetrics::refresh_busy_ratios() const {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_at_ < kRatioTime) return;
  looked_at_ = now;
  for (std::size_t i = 0; i < last_.size(); ++i) {
    const WorkerCounters& counters = vp_.workers()[i]->counters();
    const Times times{counters.busy_ticks.value(), counters.idle_ticks.value()};
    const std::uint64_t busy = times.busy - last_[i].busy;
    const std::uint64_t all = busy + times.idle - last_[i].idle;
    busy_ratios_[i] = all == 0 ? 0 : static_cast<double>(busy) / static_cast<double>(all);
    last_[i] = times;
  }
}

std::vector<prometheus::MetricFamily> VantagePointMetrics::Collect() const {
  const std::lock_guard lock(mutex_);
  refresh_busy_ratios();
  const MetricSources sources{vp_, version_, busy_ratios_,
                              spool_bytes_.load(std::memory_order_relaxed)};
  std::vector<prometheus::MetricFamily> families;
  for (const MetricRow& row : metric_rows()) {
    prometheus::MetricFamily& family = families.emplace_back();
    family.name = row.name;
    family.help = row.help;
    family.type = row.type;
    MetricSamples samples(row.labels, family);
    row.read(sources, samples);
  }
  return families;
}

}  // namespace backsight::engine
