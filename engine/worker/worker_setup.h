// What a worker is made with, and how much of a vantage point's config that is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "config/vp/vp_config.h"
#include "engine/worker/messages.h"
#include "engine/worker/schedule.h"

namespace backsight::engine {

struct WorkerSetup {
  unsigned index = 0;
  unsigned workers = 1;
  config::EngineConfig engine;
  ScheduleLimits limits;
  std::uint32_t places = 0;  // of the schedule
  TagKeys keys;
  bool want_huge = false;
};

// Destinations, and so /24s, belong to one worker; sources and options are shared out evenly.
// REQUIRES: workers > 0.
[[nodiscard]] ScheduleLimits limits_per_worker(const config::RatesConfig& rates,
                                               std::size_t workers) noexcept;
// Room for what may wait, and for the places whose limit still runs after their last probe.
[[nodiscard]] std::uint32_t schedule_places(const config::EngineConfig& engine,
                                            const config::RatesConfig& rates) noexcept;

}  // namespace backsight::engine
