// sim.yaml as plain structs, with defaults: the simulated Internet and the ports it is behind.
// config::load_config<SimConfig>() fills and checks them (config/reading/config_file.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/sections/eal_config.h"
#include "config/sim/world_config.h"

namespace backsight::config {

// One port and the vantage points behind it. A frame's destination tells which of them sent it:
// each has a gateway with an Ethernet address of its own.
struct SimPortConfig {
  std::string device;                     // as in PortConfig
  std::uint32_t first_vantage_point = 0;  // place in the list of vantage points
  std::uint32_t vantage_points = 1;       // how many from there on; 0: all that are left
  std::uint16_t rx_descriptors = 0;       // 0: what the device prefers
  std::uint16_t tx_descriptors = 0;

  friend bool operator==(const SimPortConfig&, const SimPortConfig&) = default;
};
void describe(Keys& keys, SimPortConfig& port);

// Its one worker simulates, too.
struct SimEngineConfig : EalConfig {
  SimEngineConfig() { idle = Idle::kAdaptive; }

  std::uint32_t under_way = 1U << 18;  // packets on their way to vantage points

  friend bool operator==(const SimEngineConfig&, const SimEngineConfig&) = default;
};
void describe(Keys& keys, SimEngineConfig& engine);

struct SimConfig {
  WorldConfig world;
  std::vector<SimPortConfig> ports;  // none: only reports and lists
  SimEngineConfig engine;

  friend bool operator==(const SimConfig&, const SimConfig&) = default;
};
void describe(Keys& keys, SimConfig& sim);

}  // namespace backsight::config
