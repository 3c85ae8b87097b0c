// Reads controller.yaml. All that is wrong in it is reported at once.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "config/controller_config.h"
#include "config/fault.h"

namespace backsight::config {

// `overrides` are the arguments of --set, "key=value" with dotted keys: "limits.max_batch=500",
// "atlas.import=a.json,b.json"; the last one of a key holds, and an empty value switches an
// optional key off. Paths are relative to the folder of `file`, also in overrides. The files that
// the config names are not opened.
[[nodiscard]] tl::expected<ControllerConfig, Faults> load_controller_config(
    const std::filesystem::path& file, std::span<const std::string> overrides = {});

// The same from text; `file_name` names it in faults and is what paths are relative to.
[[nodiscard]] tl::expected<ControllerConfig, Faults> parse_controller_config(
    const std::string& text, const std::filesystem::path& file_name,
    std::span<const std::string> overrides = {});

}  // namespace backsight::config
