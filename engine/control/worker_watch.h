// Notices workers that no longer turn, by the heartbeat that each of them counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/control/snapshot.h"

namespace backsight::engine {

class WorkerWatch {
 public:
  using Clock = std::chrono::steady_clock;
  // How long the heartbeat of a worker may stay the same.
  static constexpr std::chrono::seconds kPatience{5};

  // `rounds[i]` is the heartbeat of worker i at `now`. Returns a sentence for each worker that was
  // the same at every look of the last kPatience or longer.
  [[nodiscard]] std::vector<std::string> look(std::span<const std::uint64_t> rounds,
                                              Clock::time_point now);
  // The same of all workers, now.
  [[nodiscard]] std::vector<std::string> look(const Snapshot& now);

 private:
  struct Beat {
    std::uint64_t rounds = 0;
    Clock::time_point since;
  };
  std::vector<Beat> beats_;
};

}  // namespace backsight::engine
