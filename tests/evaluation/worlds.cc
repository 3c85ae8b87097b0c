#include "worlds.h"

#include <cstdlib>
#include <iostream>

namespace backsight::evaluation::testing {

config::WorldConfig small_config(std::uint64_t seed) {
  config::WorldConfig config;
  config.seed = seed;
  config.topology.ases = 1000;
  config.topology.vantage_points = 20;
  config.dynamics.loss = 0;
  config.memory = {.routes_mib = 64, .paths_mib = 4};
  return config;
}

std::unique_ptr<sim::World> make_world(const config::WorldConfig& config) {
  auto world = sim::World::make(config);
  if (!world) {
    std::cerr << world.error().sentence << '\n';
    std::abort();
  }
  return std::move(*world);
}

sim::World& small_world() {
  static const std::unique_ptr<sim::World> world = make_world(small_config());
  return *world;
}

probes::Ipv4Addr host(const sim::World& world, std::uint64_t number) {
  const auto found = world.draw_host(number, [](const sim::HostTraits& traits) {
    return traits.exists && traits.answers_ping && traits.answers_options;
  });
  if (!found) std::abort();
  return *found;
}

}  // namespace backsight::evaluation::testing
