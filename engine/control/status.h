// What a vantage point says of itself: the status that `backsight vp list` shows.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "engine/control/queue_watch.h"
#include "engine/control/snapshot.h"

namespace backsight::engine {

// Writes the status. Thread: control.
class StatusReport {
 public:
  explicit StatusReport(std::string version);

  // One JSON object. Rates are over the time since the last call.
  [[nodiscard]] std::string json(const Snapshot& now, const QueueFigures& queue);

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::uint64_t sent_pps(std::uint64_t sent);

  const std::string version_;
  std::uint64_t last_sent_ = 0;
  Clock::time_point last_at_;
};

}  // namespace backsight::engine
