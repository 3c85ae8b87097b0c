// Reads vp.yaml. All that is wrong in it is reported at once.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "config/fault.h"
#include "config/vp_config.h"

namespace backsight::config {

// `overrides` are the arguments of --set, "key=value" with dotted keys: "rates.total_pps=5",
// "ports.0.address=192.0.2.10/24", "engine.workers=2,3"; the last one of a key holds, and an empty
// value switches an optional key off. Paths are relative to the folder of `file`, also in
// overrides. The files that the config names are not opened.
[[nodiscard]] tl::expected<VpConfig, Faults> load_vp_config(
    const std::filesystem::path& file, std::span<const std::string> overrides = {});

// The same from text; `file_name` names it in faults and is what paths are relative to.
[[nodiscard]] tl::expected<VpConfig, Faults> parse_vp_config(
    const std::string& text, const std::filesystem::path& file_name,
    std::span<const std::string> overrides = {});

}  // namespace backsight::config
