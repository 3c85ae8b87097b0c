// The tables of docs/configuration.md.
#pragma once

#include <string>

namespace backsight::config {

// Every key of vp.yaml as an aligned Markdown table: key, values, default, meaning.
[[nodiscard]] std::string print_vp_manual();

}  // namespace backsight::config
