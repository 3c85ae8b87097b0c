// What a reload changed and what it left, in words for the operator.
#pragma once

#include <string>

#include "config/vp/vp_config.h"
#include "engine/control/vantage_point.h"

namespace backsight::engine {

// "rates.total_pps 10000 -> 500; 3 ranges denied; nobody enrolled; engine.idle changed too and
// needs a restart". `running` is the config before the reload.
[[nodiscard]] std::string describe_reload(const config::VpConfig& running,
                                          const config::VpConfig& fresh, const Reloaded& reloaded);

}  // namespace backsight::engine
