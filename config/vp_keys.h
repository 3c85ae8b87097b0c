// Every key of vp.yaml, once. The loader, the printer and the manual are made from these tables.
#pragma once

#include <span>

#include "config/reading/key.h"
#include "config/vp_config.h"

namespace backsight::config {

// In the order in which they are printed. "ports" is a group: a list of maps of port_keys().
[[nodiscard]] std::span<const Key<VpConfig>> vp_keys();
[[nodiscard]] std::span<const Key<PortConfig>> port_keys();

}  // namespace backsight::config
