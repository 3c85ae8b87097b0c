// Where the time of a round goes: one round in kStageRounds is timed, stage by stage.
// Thread: the worker.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/device/tsc.h"
#include "engine/worker/counters.h"

namespace backsight::engine {

class StageTimer {
 public:
  StageTimer(const TscClock& clock, WorkerCounters& counters)
      : clock_(clock), counters_(counters) {}

  void begin_round(std::uint64_t number) noexcept {
    is_on_ = number % kStageRounds == 0;
    if (is_on_) lap_began_ = clock_.now();
  }
  // The stage that ends now took the time since the last one ended, and moved so many packets.
  void lap(Stage stage, std::size_t packets) noexcept {
    if (!is_on_) return;
    const Tsc now = clock_.now();
    counters_.stage_ticks[stage] += now.since(lap_began_).ticks;
    counters_.stage_packets[stage] += packets;
    lap_began_ = now;
  }

 private:
  const TscClock& clock_;
  WorkerCounters& counters_;
  bool is_on_ = false;
  Tsc lap_began_;
};

}  // namespace backsight::engine
