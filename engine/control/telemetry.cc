#include "engine/control/telemetry.h"

#include <fmt/format.h>
#include <rte_telemetry.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <mutex>
#include <string>

#include "engine/control/metric_rows.h"
#include "engine/control/status.h"

namespace backsight::engine {
namespace {

// DPDK hands no context to a command: there is one vantage point in a process.
struct Current {
  std::mutex mutex;
  const VantagePoint* vp = nullptr;
};
Current& current() {
  static Current one;
  return one;
}

// A key of a dictionary may hold letters, digits, '_' and '/' only.
std::string key_of(std::string text) {
  for (char& c : text) {
    const bool is_allowed =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/';
    if (!is_allowed) c = '_';
  }
  return text;
}

void add(rte_tel_data* to, const std::string& key, std::uint64_t number) {
  rte_tel_data_add_dict_u64(to, key_of(key).c_str(), number);
}
void add(rte_tel_data* to, const std::string& key, const Counter& counter) {
  add(to, key, counter.value());
}

template <typename Enum>
void add_each(rte_tel_data* to, const std::string& key, const CounterArray<Enum>& counters) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Enum::kCount); ++i) {
    const auto which = static_cast<Enum>(i);
    add(to, fmt::format("{}/{}", key, name(which)), counters[which]);
  }
}

int tell_status(const VantagePoint& vp, std::string_view, rte_tel_data* to) {
  const Totals totals = totals_of(vp);
  const auto why = vp.why_not_ready();
  rte_tel_data_start_dict(to);
  rte_tel_data_add_dict_string(to, "vp", vp.config().name.c_str());
  rte_tel_data_add_dict_string(to, "state", why.empty() ? "ready" : why.front().c_str());
  add(to, "rate_limit_pps", vp.rate_pps());
  add(to, "tasks/accepted", totals.accepted);
  add(to, "tasks/refused", totals.refused);
  add(to, "tasks/done", totals.done);
  add(to, "probes_sent", totals.sent);
  add(to, "waiting", totals.waiting);
  add(to, "inflight", totals.in_flight);
  add(to, "inflight_capacity", totals.in_flight_capacity);
  return 0;
}

int tell_workers(const VantagePoint& vp, std::string_view, rte_tel_data* to) {
  rte_tel_data_start_array(to, RTE_TEL_INT_VAL);
  for (std::size_t i = 0; i < vp.workers().size(); ++i) {
    rte_tel_data_add_array_int(to, static_cast<int>(i));
  }
  return 0;
}

int tell_worker(const VantagePoint& vp, std::string_view which, rte_tel_data* to) {
  std::size_t index = 0;
  const char* const end = which.data() + which.size();
  const auto read = std::from_chars(which.data(), end, index);
  if (read.ec != std::errc{} || read.ptr != end || index >= vp.workers().size()) return -EINVAL;
  const WorkerCounters& counters = vp.workers()[index]->counters();
  rte_tel_data_start_dict(to);
  add(to, "core", vp.config().engine.workers[index]);
  add(to, "rounds", counters.rounds);
  add(to, "tasks", counters.tasks);
  add_each(to, "results", counters.results);
  add_each(to, "sent", counters.sent);
  add(to, "spoofed", counters.spoofed);
  add(to, "received", counters.received);
  add_each(to, "rejected", counters.rejected);
  add_each(to, "outcomes", counters.outcomes);
  add_each(to, "flaws", counters.flaws);
  add(to, "arp_sent", counters.arp_sent);
  add(to, "echo_replies_sent", counters.echo_replies_sent);
  add(to, "transmit_full", counters.transmit_full);
  add(to, "no_buffer", counters.no_buffer);
  add(to, "inflight_full", counters.inflight_full);
  add(to, "results_full", counters.results_full);
  add(to, "busy_ticks", counters.busy_ticks);
  add(to, "idle_ticks", counters.idle_ticks);
  return 0;
}

int tell_inflight(const VantagePoint& vp, std::string_view, rte_tel_data* to) {
  rte_tel_data_start_dict(to);
  for (std::size_t i = 0; i < vp.workers().size(); ++i) {
    const Worker& worker = *vp.workers()[i];
    rte_tel_data* one = rte_tel_data_alloc();
    if (one == nullptr) return -ENOMEM;
    rte_tel_data_start_dict(one);
    add(one, "slots", worker.counters().inflight);
    add(one, "capacity", worker.inflight_capacity());
    add(one, "waiting", worker.counters().waiting);
    add(one, "traces", worker.counters().traces);
    rte_tel_data_add_dict_container(to, fmt::format("{}", i).c_str(), one, 0);
  }
  return 0;
}

// The counters of /metrics, those of the workers summed up; the queue's are control's alone.
int tell_counters(const VantagePoint& vp, std::string_view, rte_tel_data* to) {
  constexpr std::string_view kPrefix = "backsight_vp_";
  constexpr std::string_view kQueue = "backsight_vp_queue_";
  const std::string version;
  const std::vector<double> ratios;
  const QueueFigures queue;
  rte_tel_data_start_dict(to);
  for (const MetricRow& row : metric_rows()) {
    if (row.type != prometheus::MetricType::Counter || row.name.ends_with("_seconds_total") ||
        row.name.starts_with(kQueue)) {
      continue;
    }
    const auto family = daemon::collect(row, MetricSources{vp, version, ratios, queue});
    const std::string name(row.name.substr(kPrefix.size()));
    const bool is_one = row.labels.empty() || row.labels.front() == "worker";
    std::uint64_t sum = 0;
    for (const prometheus::ClientMetric& sample : family.metric) {
      const auto count = static_cast<std::uint64_t>(std::llround(sample.counter.value));
      sum += count;
      if (!is_one) add(to, name + "/" + sample.label.front().value, count);
    }
    if (is_one) add(to, name, sum);
  }
  return 0;
}

// Called by DPDK; `parameters` is null when there are none.
template <auto Tell>
int answer(const char*, const char* parameters, rte_tel_data* to) noexcept {
  const std::lock_guard lock(current().mutex);
  if (current().vp == nullptr) return -EAGAIN;
  return Tell(*current().vp, parameters == nullptr ? "" : parameters, to);
}

}  // namespace

Telemetry::Telemetry(const VantagePoint& vp) {
  if (!vp.config().engine.telemetry) return;
  {
    const std::lock_guard lock(current().mutex);
    current().vp = &vp;
  }
  const auto add_command = [](const char* command, telemetry_cb call, const char* help) {
    rte_telemetry_register_cmd(command, call, help);
  };
  add_command("/backsight/status", answer<tell_status>, "State, rates and totals. No parameters.");
  add_command("/backsight/workers", answer<tell_workers>, "Numbers of the workers. No parameters.");
  add_command("/backsight/worker", answer<tell_worker>,
              "All that a worker counts. Parameters: int worker");
  add_command("/backsight/inflight", answer<tell_inflight>,
              "Slots and waiting tasks, a worker each. No parameters.");
  add_command("/backsight/counters", answer<tell_counters>,
              "Counters of all workers together. No parameters.");
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(current().mutex);
  current().vp = nullptr;
}

}  // namespace backsight::engine
