// Reads sim.yaml. All that is wrong in it is reported at once.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "config/fault.h"
#include "config/sim_config.h"

namespace backsight::config {

// `overrides` are the arguments of --set, "key=value" with dotted keys: "topology.ases=1000",
// "ports.0.device=net_memif0"; an empty value switches an optional key off. Paths are relative to
// the folder of `file`. The files that the config names are not opened.
[[nodiscard]] tl::expected<SimConfig, Faults> load_sim_config(
    const std::filesystem::path& file, std::span<const std::string> overrides = {});
[[nodiscard]] tl::expected<SimConfig, Faults> parse_sim_config(
    const std::string& text, const std::filesystem::path& file_name,
    std::span<const std::string> overrides = {});

// The commented file, as --print-config and the shipped example show it; and the keys as a table.
[[nodiscard]] std::string print_sim_config(const SimConfig& config);
[[nodiscard]] std::string print_sim_manual();

}  // namespace backsight::config
