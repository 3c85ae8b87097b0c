#include "fixture.h"

#include <cstdlib>
#include <iostream>

namespace backsight::sim::testing {

config::WorldConfig calm_config(std::uint64_t seed) {
  config::WorldConfig config;
  config.seed = seed;
  config.topology.ases = 1000;
  config.topology.vantage_points = 40;
  config.dynamics.loss = 0;
  config.dynamics.jitter_us = 0;
  config.behaviour.routers_limit_icmp = 0;
  config.behaviour.routers_limit_options = 0;
  config.behaviour.balancers_by_packet = 0;
  config.memory = {.routes_mib = 64, .paths_mib = 4};
  return config;
}

std::unique_ptr<World> make_world(const config::WorldConfig& config) {
  auto world = World::make(config);
  if (!world) {
    std::cerr << world.error().sentence << '\n';
    std::abort();
  }
  return std::move(*world);
}

World& calm_world() {
  static const std::unique_ptr<World> world = make_world(calm_config());
  return *world;
}

Bytes craft(const ProbeWish& wish) {
  const probes::Template prepared(wish.shape);
  Bytes bytes(prepared.size());
  probes::ProbeFields fields;
  fields.src = wish.src;
  fields.dst = wish.dst;
  fields.ttl = wish.ttl;
  fields.flow = wish.flow;
  fields.handle = wish.handle;
  fields.identity = {{1, 17}, 0x0123456789abcdef};
  prepared.craft(fields, bytes.data());
  return bytes;
}

Ipv4Addr polite_host(const World& world, std::uint64_t number) {
  const auto host = world.draw_host(number, [](const HostTraits& traits) {
    return traits.answers_ping && traits.answers_options && traits.refuses_udp &&
           traits.refuses_tcp && traits.stamping == Stamping::kOnce;
  });
  if (!host) std::abort();
  return *host;
}

}  // namespace backsight::sim::testing
