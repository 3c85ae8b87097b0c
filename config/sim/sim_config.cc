#include "config/sim/sim_config.h"

#include <algorithm>

#include "config/reading/keys.h"
#include "config/reading/written.h"
#include "config/sections/port_config.h"

namespace backsight::config {
namespace {

// Each vantage point is behind one port, and there.
void check_points(Written& written, const SimConfig& sim, const SimPortConfig& port) {
  const std::uint32_t all = sim.world.topology.vantage_points;
  const auto last = [all](const SimPortConfig& one) {
    return one.vantage_points == 0 ? all : one.first_vantage_point + one.vantage_points;
  };
  if (port.first_vantage_point >= all || last(port) > all) {
    written.add("vantage_points",
                fmt::format("ends with number {}, but there are {} (topology.vantage_points), the "
                            "last of them number {}",
                            std::max(last(port), port.first_vantage_point + 1) - 1, all, all - 1));
  }
  for (std::size_t i = 0; &sim.ports[i] != &port; ++i) {
    const SimPortConfig& other = sim.ports[i];
    if (port.first_vantage_point < last(other) && other.first_vantage_point < last(port)) {
      written.add("first_vantage_point",
                  fmt::format("shares vantage points with port {}; give each port its own", i));
    }
  }
}

void describe_ports(Keys& keys, SimConfig& sim) {
  constexpr MapsRule kRule{
      .values = "list of ports", .most = kMaxPorts, .no_map = "is no port; write \"device: ...\""};
  const auto describe_port = [&sim](Keys& keys_of_port, SimPortConfig& port) {
    describe(keys_of_port, port);
    keys_of_port.check([&](Written& written) { check_points(written, sim, port); });
  };
  keys.maps("ports", sim.ports, kRule, "ports that vantage points are behind", describe_port)
      .write("a list of ports, each with its device", "\"- device: net_af_packet0,iface=eth1\"");
}

}  // namespace

void describe(Keys& keys, SimPortConfig& port) {
  describe_device(keys, port.device, "net_memif0,role=server");
  keys.number("first_vantage_point", port.first_vantage_point, 0, 999,
              "number of the first one behind the port")
      .write("the number of a vantage point");
  keys.number("vantage_points", port.vantage_points, 0, 1000, "how many; 0: all from there on")
      .write("a number of vantage points, or 0 for all that are left");
  describe_descriptors(keys, port.rx_descriptors, port.tx_descriptors, "the");
}

void describe(Keys& keys, SimEngineConfig& engine) {
  keys.number("worker", engine.workers.front(), 0, kMaxCores - 1, "core that polls and simulates")
      .write("one core");
  describe_waiting(keys, engine, "core of everything else; may be the worker's");
  keys.number("under_way", engine.under_way, 1024, 1U << 22,
              "on their way back at most: rate x round trip")
      .write("a number of packets");
  describe_arguments(keys, engine);
}

void describe(Keys& keys, SimConfig& sim) {
  keys.title("A simulated Internet", "docs/simulation.md");
  keys.number("seed", sim.world.seed, 0, ~std::uint64_t{0} >> 1,
              "the same seed and config are the same Internet")
      .write("a number");
  keys.section("topology", sim.world.topology);
  keys.section("behaviour", sim.world.behaviour);
  keys.section("dynamics", sim.world.dynamics);
  keys.section("memory", sim.world.memory);
  describe_ports(keys, sim);
  keys.section("engine", sim.engine);
}

}  // namespace backsight::config
