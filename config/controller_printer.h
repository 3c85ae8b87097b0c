// Writes the controller's config as the commented YAML that --print-config shows, and its keys as
// the table of docs/controller-configuration.md.
#pragma once

#include <string>

#include "config/controller_config.h"

namespace backsight::config {

// Loading the text again, from a file in the working directory, gives the same config. Keys that
// are absent stand as comments.
[[nodiscard]] std::string print_controller_config(const ControllerConfig& config);

// Every key of controller.yaml as an aligned Markdown table: key, values, default, meaning.
[[nodiscard]] std::string print_controller_manual();

}  // namespace backsight::config
