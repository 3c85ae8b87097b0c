// Every key of sim.yaml, once. The loader, the printer and the manual are made from these tables.
#pragma once

#include <span>

#include "config/reading/key.h"
#include "config/sim_config.h"

namespace backsight::config {

// In the order in which they are printed. "ports" is a group: a list of maps of sim_port_keys().
[[nodiscard]] std::span<const Key<SimConfig>> sim_keys();
[[nodiscard]] std::span<const Key<SimPortConfig>> sim_port_keys();

}  // namespace backsight::config
