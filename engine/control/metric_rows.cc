#include "engine/control/metric_rows.h"

#include <fmt/format.h>
#include <rte_version.h>

#include <utility>

#include "engine/device/eal.h"

namespace backsight::engine {
namespace {

using prometheus::MetricType;
using Sources = MetricSources;
using Samples = daemon::MetricSamples;

double number(const Counter& counter) { return static_cast<double>(counter.value()); }

template <auto Member>
void all_workers(const Sources& sources, Samples& samples) {
  samples.add(static_cast<double>(sources.now.sum(Member)));
}

template <auto Member>
void control(const Sources& sources, Samples& samples) {
  samples.add(number(sources.now.control.*Member));
}

template <auto Member>
void queue_health(const Sources& sources, Samples& samples) {
  samples.add(static_cast<double>(sources.queue.health.*Member));
}

template <auto Member>
void each_worker(const Sources& sources, Samples& samples) {
  for (std::size_t i = 0; i < sources.now.workers.size(); ++i) {
    samples.add(number(sources.now.workers[i].counters.*Member), {fmt::to_string(i)});
  }
}

template <auto Member>
void each_worker_seconds(const Sources& sources, Samples& samples) {
  for (std::size_t i = 0; i < sources.now.workers.size(); ++i) {
    const double ticks = number(sources.now.workers[i].counters.*Member);
    samples.add(ticks / static_cast<double>(sources.now.tsc_hz), {fmt::to_string(i)});
  }
}

// One sample an enumerator, over all workers.
template <typename Enum, auto Member>
void each_of(const Sources& sources, Samples& samples) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Enum::kCount); ++i) {
    const auto which = static_cast<Enum>(i);
    samples.add(static_cast<double>(sources.now.sum(Member, which)), {name(which)});
  }
}

void each_stage_seconds(const Sources& sources, Samples& samples) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Stage::kCount); ++i) {
    const auto stage = static_cast<Stage>(i);
    const auto ticks = static_cast<double>(sources.now.sum(&WorkerCounters::stage_ticks, stage));
    samples.add(ticks / static_cast<double>(sources.now.tsc_hz), {name(stage)});
  }
}

void each_refusal(const Sources& sources, Samples& samples) {
  for (std::size_t i = 1; i < static_cast<std::size_t>(tasks::Reason::kCount); ++i) {
    const auto reason = static_cast<tasks::Reason>(i);
    samples.add(number(sources.now.control.refused[reason]), {name(reason)});
  }
}

template <auto Member>
void each_port(const Sources& sources, Samples& samples) {
  for (const PortSnapshot& port : sources.now.ports) {
    samples.add(static_cast<double>(port.*Member), {device_name(port.config.device)});
  }
}

template <auto Member>
void each_port_count(const Sources& sources, Samples& samples) {
  for (const PortSnapshot& port : sources.now.ports) {
    samples.add(static_cast<double>(port.statistics.*Member), {device_name(port.config.device)});
  }
}

MetricRow counter(std::string_view name, std::string_view help, MetricRow::Read read,
                  std::vector<std::string_view> labels = {}) {
  return {{name, help, MetricType::Counter, std::move(labels)}, read};
}

MetricRow gauge(std::string_view name, std::string_view help, MetricRow::Read read,
                std::vector<std::string_view> labels = {}) {
  return {{name, help, MetricType::Gauge, std::move(labels)}, read};
}

std::vector<MetricRow> make_rows() {
  using W = WorkerCounters;
  using C = ControlCounters;
  using P = PortStatistics;
  using S = PortSnapshot;
  using H = queue::QueueHealth;
  return {
      gauge("backsight_build_info", "Always 1; its labels say what runs.",
            [](const Sources& sources, Samples& samples) {
              samples.add(1, {sources.version, "g++ " __VERSION__, rte_version()});
            },
            {"version", "compiler", "dpdk"}),
      gauge("backsight_vp_start_time_seconds", "When the process started, in Unix time.",
            [](const Sources& sources, Samples& samples) {
              samples.add(static_cast<double>(sources.now.control.started_unix_seconds.value()));
            }),
      gauge("backsight_vp_ready", "1 if /readyz says so.",
            [](const Sources& sources, Samples& samples) {
              samples.add(sources.now.why_not_ready.empty() ? 1 : 0);
            }),
      gauge("backsight_vp_silenced", "1 while the kill switch (SIGUSR1) is on.",
            [](const Sources& sources, Samples& samples) {
              samples.add(sources.now.is_silenced ? 1 : 0);
            }),
      gauge("backsight_vp_rate_limit_pps",
            "Packets a second that all probes together may take (rates.total_pps).",
            [](const Sources& sources, Samples& samples) {
              samples.add(static_cast<double>(sources.now.rate_limit_pps));
            }),
      counter("backsight_vp_reloads_total", "SIGHUPs obeyed.", control<&C::reloads>),
      counter("backsight_vp_reload_failures_total",
              "SIGHUPs refused for a fault in a file; the old config stays.",
              control<&C::reload_failures>),
      counter("backsight_vp_tasks_received_total", "Tasks read that name themselves, good or bad.",
              control<&C::tasks_received>),
      counter("backsight_vp_task_lines_unreadable_total",
              "What should be a task but has no id that could be answered.",
              control<&C::lines_unreadable>),
      counter("backsight_vp_tasks_refused_total", "Tasks that admission refused.", each_refusal,
              {"reason"}),
      counter("backsight_vp_tasks_assigned_total", "Tasks given to a worker.",
              control<&C::assigned>),
      counter("backsight_vp_results_total", "Tasks that a worker ended, by how.",
              each_of<tasks::Outcome, &W::results>, {"outcome"}),
      counter("backsight_vp_results_put_total",
              "Results handed over: on disk in the queue, or written to the file.",
              control<&C::results_put>),
      counter("backsight_vp_observations_put_total",
              "Replies to the fleet's spoofed probes, handed over.", control<&C::observations_put>),
      counter("backsight_vp_batches_put_total", "Batches of results and observations handed over.",
              control<&C::batches_put>),
      counter("backsight_vp_put_failures_total",
              "Batches that could not be handed over and are tried again.",
              control<&C::put_failures>),
      gauge("backsight_vp_spool_bytes", "Results in the queue that no consumer has committed.",
            [](const Sources& sources, Samples& samples) {
              samples.add(static_cast<double>(sources.queue.spool.bytes));
            }),
      gauge("backsight_vp_spool_results", "How many these are: the lag of the consumer.",
            [](const Sources& sources, Samples& samples) {
              samples.add(static_cast<double>(sources.queue.spool.results));
            }),
      gauge("backsight_vp_spool_limit_bytes",
            "Where no more tasks are taken (queue.spool_limit_mib); 0: at the disk's end.",
            queue_health<&H::spool_limit_bytes>),
      gauge("backsight_vp_queue_connected", "1 if the broker is there, or none is needed.",
            [](const Sources& sources, Samples& samples) {
              samples.add(sources.queue.health.is_connected ? 1 : 0);
            }),
      gauge("backsight_vp_queue_troubles", "What keeps the queue from working, as in /readyz.",
            [](const Sources& sources, Samples& samples) {
              samples.add(static_cast<double>(sources.queue.health.troubles.size()));
            }),
      counter("backsight_vp_queue_connections_total", "Connections made to a broker.",
              queue_health<&H::connections>),
      counter("backsight_vp_queue_batches_sent_total", "Messages of results that a broker took.",
              queue_health<&H::batches_sent>),
      counter("backsight_vp_queue_batches_again_total",
              "Of these, sent once more because the consumer missed them.",
              queue_health<&H::batches_again>),
      counter("backsight_vp_queue_send_failures_total",
              "Messages of results that a broker refused; they wait in the spool.",
              queue_health<&H::send_failures>),
      counter("backsight_vp_queue_dead_letters_total",
              "Messages from a broker that were no tasks for us; they are put aside there.",
              queue_health<&H::dead_letters>),
      counter("backsight_vp_probes_crafted_total", "Probes offered to a port, each once.",
              all_workers<&W::crafted>),
      counter("backsight_vp_probes_given_up_total",
              "Of these, never accepted by it: it took nothing for a second, or they may leave no "
              "more.",
              all_workers<&W::given_up>),
      counter("backsight_vp_probes_sent_total", "Probes that a port accepted.",
              each_of<probes::Kind, &W::sent>, {"kind"}),
      counter("backsight_vp_spoofed_probes_sent_total",
              "Of these, with an enrolled address as source.", all_workers<&W::spoofed>),
      counter("backsight_vp_packets_received_total", "Packets fetched from the ports.",
              each_worker<&W::received>, {"worker"}),
      counter("backsight_vp_packets_rejected_total",
              "Packets received that are no reply that can be read.",
              each_of<probes::Reject, &W::rejected>, {"reason"}),
      counter("backsight_vp_replies_total", "Packets received that are, by what became of them.",
              each_of<RxOutcome, &W::outcomes>, {"outcome"}),
      counter("backsight_vp_arp_received_total",
              "Of the packets rejected as ARP, by what became of them.",
              each_of<ArpOutcome, &W::arp>, {"outcome"}),
      counter("backsight_vp_reply_flaws_total",
              "Odd things in replies that prove to be ours: what cannot be read is left out.",
              each_of<probes::Flaw, &W::flaws>, {"flaw"}),
      counter("backsight_vp_arp_sent_total", "ARP requests and replies sent.",
              all_workers<&W::arp_sent>),
      counter("backsight_vp_echo_replies_sent_total", "Pings of others answered.",
              all_workers<&W::echo_replies_sent>),
      gauge("backsight_vp_inflight_entries", "In-flight slots in use.", each_worker<&W::inflight>,
            {"worker"}),
      gauge("backsight_vp_inflight_capacity", "In-flight slots (engine.inflight).",
            [](const Sources& sources, Samples& samples) {
              for (std::size_t i = 0; i < sources.now.workers.size(); ++i) {
                samples.add(sources.now.workers[i].inflight_capacity, {fmt::to_string(i)});
              }
            },
            {"worker"}),
      gauge("backsight_vp_waiting_tasks", "Tasks held back by limits.", each_worker<&W::waiting>,
            {"worker"}),
      gauge("backsight_vp_traces_under_way", "Traceroutes begun and not ended.",
            each_worker<&W::traces>, {"worker"}),
      counter("backsight_vp_transmit_full_total",
              "Bursts that a port did not take whole: it sends slower than asked.",
              all_workers<&W::transmit_full>),
      counter("backsight_vp_transmit_refused_total",
              "Packets that a port did not take when they were offered; they are offered again.",
              all_workers<&W::transmit_refused>),
      counter("backsight_vp_no_buffer_total", "Bursts put off for want of packet buffers.",
              all_workers<&W::no_buffer>),
      counter("backsight_vp_inflight_full_total",
              "Rounds in which no probe could leave: every in-flight slot was in use.",
              all_workers<&W::inflight_full>),
      counter("backsight_vp_results_full_total",
              "Rounds in which a worker did nothing: its results were not fetched.",
              all_workers<&W::results_full>),
      gauge("backsight_vp_worker_busy_ratio",
            "Share of its time in which a worker had something to do, since the scrape before.",
            [](const Sources& sources, Samples& samples) {
              for (std::size_t i = 0; i < sources.busy_ratios.size(); ++i) {
                samples.add(sources.busy_ratios[i], {fmt::to_string(i)});
              }
            },
            {"worker"}),
      counter("backsight_vp_worker_busy_seconds_total", "Time in rounds that did something.",
              each_worker_seconds<&W::busy_ticks>, {"worker"}),
      counter("backsight_vp_worker_idle_seconds_total", "Time in rounds that found nothing to do.",
              each_worker_seconds<&W::idle_ticks>, {"worker"}),
      counter("backsight_vp_worker_stage_seconds_total",
              "Time in each stage of a round, of one round in 16.", each_stage_seconds, {"stage"}),
      counter("backsight_vp_worker_stage_packets_total",
              "Packets that each stage moved in these rounds.", each_of<Stage, &W::stage_packets>,
              {"stage"}),
      gauge("backsight_vp_port_link_up", "1 if the port has a link.", each_port<&S::link_is_up>,
            {"port"}),
      gauge("backsight_vp_port_gateway_known",
            "1 if the gateway answered ARP, or there is none to ask.",
            each_port<&S::gateway_is_known>, {"port"}),
      counter("backsight_vp_port_gateway_moves_total",
              "Times the gateway was found at another Ethernet address than before.",
              each_port<&S::gateway_moves>, {"port"}),
      gauge("backsight_vp_port_usable",
            "0 while the port is held: no link, no interface, or its interface is not as it was.",
            [](const Sources& sources, Samples& samples) {
              for (const PortSnapshot& port : sources.now.ports) {
                samples.add(port.is_held ? 0 : 1, {device_name(port.config.device)});
              }
            },
            {"port"}),
      counter("backsight_vp_port_interruptions_total", "Times that the port was held.",
              each_port<&S::interruptions>, {"port"}),
      counter("backsight_vp_port_reopened_total",
              "Times that the port was opened anew, for an interface that came back.",
              each_port<&S::reopened>, {"port"}),
      counter("backsight_vp_port_packets_received_total", "Packets that the port received.",
              each_port_count<&P::received>, {"port"}),
      counter("backsight_vp_port_packets_transmitted_total", "Packets that the port sent.",
              each_port_count<&P::transmitted>, {"port"}),
      counter("backsight_vp_port_rx_missed_total",
              "Packets that the port dropped because no worker fetched them in time.",
              each_port_count<&P::rx_missed>, {"port"}),
      counter("backsight_vp_port_rx_errors_total", "Packets that arrived broken.",
              each_port_count<&P::rx_errors>, {"port"}),
      counter("backsight_vp_port_rx_no_buffer_total",
              "Times the port had no buffer to receive into.", each_port_count<&P::rx_no_buffer>,
              {"port"}),
      counter("backsight_vp_port_tx_errors_total", "Packets that the port failed to send.",
              each_port_count<&P::tx_errors>, {"port"}),
      counter(
          "backsight_vp_port_tx_lost_total",
          "Packets that the port had accepted from a worker when its link went, and never sent.",
          each_port_count<&P::tx_lost>, {"port"}),
      gauge("backsight_vp_port_packet_buffers_in_use",
            "Packet buffers of the port's pool that somebody holds.", each_port<&S::buffers_in_use>,
            {"port"}),
  };
}

}  // namespace

std::span<const MetricRow> metric_rows() {
  static const std::vector<MetricRow> rows = make_rows();
  return rows;
}

std::string print_metrics_manual() { return daemon::print_manual(metric_rows()); }

}  // namespace backsight::engine
