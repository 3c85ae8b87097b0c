#include "engine/control/telemetry.h"

#include <fmt/format.h>
#include <rte_telemetry.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <mutex>
#include <string>
#include <type_traits>

#include "engine/control/metric_rows.h"
#include "engine/control/snapshot.h"

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

int add_status(const Snapshot& now, std::string_view, rte_tel_data* to) {
  rte_tel_data_start_dict(to);
  rte_tel_data_add_dict_string(to, "vp", now.vp.c_str());
  rte_tel_data_add_dict_string(
      to, "state", now.why_not_ready.empty() ? "ready" : now.why_not_ready.front().c_str());
  add(to, "rate_limit_pps", now.rate_limit_pps);
  add(to, "tasks/accepted", now.control.assigned);
  add(to, "tasks/refused", now.control.refused.sum());
  add(to, "tasks/done", now.sum(&WorkerCounters::results));
  add(to, "probes_sent", now.sum(&WorkerCounters::sent));
  add(to, "waiting", now.sum(&WorkerCounters::waiting));
  add(to, "inflight", now.sum(&WorkerCounters::inflight));
  add(to, "inflight_capacity", now.inflight_capacity());
  return 0;
}

int add_workers(const Snapshot& now, std::string_view, rte_tel_data* to) {
  rte_tel_data_start_array(to, RTE_TEL_INT_VAL);
  for (std::size_t i = 0; i < now.workers.size(); ++i) {
    rte_tel_data_add_array_int(to, static_cast<int>(i));
  }
  return 0;
}

int add_worker(const Snapshot& now, std::string_view which, rte_tel_data* to) {
  std::size_t index = 0;
  const char* const end = which.data() + which.size();
  const auto read = std::from_chars(which.data(), end, index);
  if (read.ec != std::errc{} || read.ptr != end || index >= now.workers.size()) return -EINVAL;
  rte_tel_data_start_dict(to);
  add(to, "core", now.workers[index].core);
  for_each_counter(now.workers[index].counters, [to](const char* key, const auto& counted) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(counted)>, Counter>) {
      add(to, key, counted);
    } else {
      add_each(to, key, counted);
    }
  });
  return 0;
}

int add_inflight(const Snapshot& now, std::string_view, rte_tel_data* to) {
  rte_tel_data_start_dict(to);
  for (std::size_t i = 0; i < now.workers.size(); ++i) {
    const WorkerSnapshot& worker = now.workers[i];
    rte_tel_data* one = rte_tel_data_alloc();
    if (one == nullptr) return -ENOMEM;
    rte_tel_data_start_dict(one);
    add(one, "slots", worker.counters.inflight);
    add(one, "capacity", worker.inflight_capacity);
    add(one, "waiting", worker.counters.waiting);
    add(one, "traces", worker.counters.traces);
    rte_tel_data_add_dict_container(to, fmt::format("{}", i).c_str(), one, 0);
  }
  return 0;
}

// The counters of /metrics, those of the workers summed up; the queue's are control's alone.
int add_counters(const Snapshot& now, std::string_view, rte_tel_data* to) {
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
    const auto family = daemon::collect(row, MetricSources{now, version, ratios, queue});
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
template <auto Add>
int answer(const char*, const char* parameters, rte_tel_data* to) noexcept {
  const std::lock_guard lock(current().mutex);
  if (current().vp == nullptr) return -EAGAIN;
  return Add(snapshot_of(*current().vp), parameters == nullptr ? "" : parameters, to);
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
  add_command("/backsight/status", answer<add_status>, "State, rates and totals. No parameters.");
  add_command("/backsight/workers", answer<add_workers>, "Numbers of the workers. No parameters.");
  add_command("/backsight/worker", answer<add_worker>,
              "All that a worker counts. Parameters: int worker");
  add_command("/backsight/inflight", answer<add_inflight>,
              "Slots and waiting tasks, a worker each. No parameters.");
  add_command("/backsight/counters", answer<add_counters>,
              "Counters of all workers together. No parameters.");
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(current().mutex);
  current().vp = nullptr;
}

}  // namespace backsight::engine
