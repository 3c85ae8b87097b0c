// Cycles a packet for each stage of a worker, from its own counters.
#pragma once

#include <array>
#include <cstdint>

#include "engine/worker/counters.h"
#include "perf/load/figures.h"

namespace backsight::perf {

inline constexpr std::size_t kStages = static_cast<std::size_t>(engine::Stage::kCount);

struct StageReading {
  std::array<std::uint64_t, kStages> ticks{};
  std::array<std::uint64_t, kStages> packets{};
};

[[nodiscard]] inline StageReading read_stages(const engine::WorkerCounters& counters) {
  StageReading reading;
  for (std::size_t i = 0; i < kStages; ++i) {
    const auto stage = static_cast<engine::Stage>(i);
    reading.ticks[i] = counters.stage_ticks[stage].value();
    reading.packets[i] = counters.stage_packets[stage].value();
  }
  return reading;
}

// One figure a stage that moved packets: "cycles_craft" and so on.
inline void add_stages(Figures& figures, const StageReading& before, const StageReading& after) {
  for (std::size_t i = 0; i < kStages; ++i) {
    const std::uint64_t packets = after.packets[i] - before.packets[i];
    if (packets == 0) continue;
    figures.add(
        "cycles_" + std::string(name(static_cast<engine::Stage>(i))),
        static_cast<double>(after.ticks[i] - before.ticks[i]) / static_cast<double>(packets),
        "a packet");
  }
}

}  // namespace backsight::perf
