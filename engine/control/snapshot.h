// What a vantage point is and has counted, at one moment. This alone reads its counters; status,
// metrics, telemetry, progress and the service manager show what stands here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/vp/vp_config.h"
#include "engine/control/statistics.h"
#include "engine/control/vantage_point.h"
#include "engine/device/port.h"
#include "engine/worker/counters.h"

namespace backsight::engine {

struct WorkerSnapshot {
  unsigned core = 0;
  std::uint32_t inflight_capacity = 0;
  WorkerCounters counters;
};

struct PortSnapshot {
  config::PortConfig config;
  probes::MacAddr mac;
  std::optional<probes::MacAddr> gateway_mac;
  bool gateway_is_known = false;  // or there is none to ask
  bool link_is_up = false;
  bool is_held = false;
  std::uint64_t gateway_moves = 0;
  std::uint64_t interruptions = 0;
  std::uint64_t reopened = 0;
  std::size_t buffers_in_use = 0;
  PortStatistics statistics;
};

struct Snapshot {
  std::string vp;
  std::uint16_t id = 0;
  std::vector<std::string> why_not_ready;  // a sentence each; empty: it is ready
  bool is_stopping = false;
  bool is_silenced = false;
  std::uint64_t rate_limit_pps = 0;  // 0: none
  std::uint64_t tsc_hz = 0;
  ControlCounters control;
  std::vector<WorkerSnapshot> workers = {};
  std::vector<PortSnapshot> ports = {};

  // The sum over the workers of what `read` finds in the counters of each, a Counter.
  template <typename Read>
  [[nodiscard]] std::uint64_t sum(Read read) const {
    std::uint64_t total = 0;
    for (const WorkerSnapshot& worker : workers) total += read(worker.counters).value();
    return total;
  }
  [[nodiscard]] std::uint64_t sum(Counter WorkerCounters::*counter) const {
    return sum([counter](const WorkerCounters& counters) { return counters.*counter; });
  }
  // The same of all that an array counts, or of one of them.
  template <typename Enum>
  [[nodiscard]] std::uint64_t sum(CounterArray<Enum> WorkerCounters::*array) const {
    std::uint64_t total = 0;
    for (const WorkerSnapshot& worker : workers) total += (worker.counters.*array).sum();
    return total;
  }
  template <typename Enum>
  [[nodiscard]] std::uint64_t sum(CounterArray<Enum> WorkerCounters::*array, Enum which) const {
    return sum([array, which](const WorkerCounters& counters) { return (counters.*array)[which]; });
  }
  [[nodiscard]] std::uint64_t inflight_capacity() const noexcept;
};

// Thread: any.
[[nodiscard]] Snapshot snapshot_of(const VantagePoint& vp);

}  // namespace backsight::engine
