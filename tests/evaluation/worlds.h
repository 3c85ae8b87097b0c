// A small simulated Internet, the same for all tests.
#pragma once

#include <cstdint>
#include <memory>

#include "sim/world.h"

namespace backsight::evaluation::testing {

// 1000 ASes, 20 vantage points, no loss: quickly made, and what happens is what the truth says.
[[nodiscard]] config::WorldConfig small_config(std::uint64_t seed = 5);
[[nodiscard]] std::unique_ptr<sim::World> make_world(const config::WorldConfig& config);
// Made once a process.
[[nodiscard]] sim::World& small_world();

// A host that answers pings and options, by number.
[[nodiscard]] probes::Ipv4Addr host(const sim::World& world, std::uint64_t number);

}  // namespace backsight::evaluation::testing
