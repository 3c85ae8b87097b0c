// Writes a config as the commented YAML that --print-config shows.
#pragma once

#include <string>

#include "config/vp_config.h"

namespace backsight::config {

// Loading the text again, from a file in the working directory, gives the same config. Keys that
// are absent stand as comments.
[[nodiscard]] std::string print_vp_config(const VpConfig& config);

}  // namespace backsight::config
