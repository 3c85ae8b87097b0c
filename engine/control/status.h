// What a vantage point says of itself: sums over its workers, and the status that
// `backsight vp list` shows.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "engine/control/queue_watch.h"
#include "engine/control/vantage_point.h"
#include "engine/worker/counters.h"
#include "tasks/result.h"

namespace backsight::engine {

// Since the start, over all workers.
struct Totals {
  std::uint64_t accepted = 0;  // tasks given to workers
  std::uint64_t refused = 0;   // tasks
  std::uint64_t done = 0;      // accepted tasks that ended
  std::uint64_t sent = 0;      // probes
  std::uint64_t waiting = 0;   // tasks held back by limits, now
  std::uint64_t in_flight = 0;
  std::uint64_t in_flight_capacity = 0;
  std::uint64_t inflight_full = 0;  // rounds in which that held sending back
};
// Thread: any.
[[nodiscard]] Totals totals_of(const VantagePoint& vp);
[[nodiscard]] std::uint64_t results_of(const VantagePoint& vp, tasks::Outcome outcome);

// Writes the status. Thread: control.
class StatusReport {
 public:
  // `vp` outlives this.
  StatusReport(const VantagePoint& vp, std::string version);

  // One JSON object. Rates are over the time since the last call.
  [[nodiscard]] std::string json(const QueueFigures& queue);

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::uint64_t sent_pps(std::uint64_t sent);

  const VantagePoint& vp_;
  const std::string version_;
  std::uint64_t last_sent_ = 0;
  Clock::time_point last_at_;
};

}  // namespace backsight::engine
