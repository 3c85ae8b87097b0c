#include "engine/control/worker_watch.h"

#include <fmt/format.h>

namespace backsight::engine {

std::vector<std::string> WorkerWatch::look(std::span<const std::uint64_t> rounds,
                                           Clock::time_point now) {
  std::vector<std::string> faults;
  const std::size_t known = beats_.size();
  beats_.resize(rounds.size());
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    Beat& beat = beats_[i];
    if (i >= known || beat.rounds != rounds[i]) {
      beat = {rounds[i], now};
    } else if (now - beat.since >= kPatience) {
      faults.push_back(fmt::format(
          "worker {} stands still for {} s; restart the process, and see whether another takes its "
          "core (engine.workers)",
          i, std::chrono::duration_cast<std::chrono::seconds>(now - beat.since).count()));
    }
  }
  return faults;
}

std::vector<std::string> WorkerWatch::look(const Snapshot& now) {
  std::vector<std::uint64_t> rounds;
  for (const auto& worker : now.workers) rounds.push_back(worker.counters.rounds.value());
  return look(rounds, Clock::now());
}

}  // namespace backsight::engine
