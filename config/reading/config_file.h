// What reading any config file begins and ends with.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "config/fault.h"
#include "config/reading/yaml_tree.h"

namespace backsight::config {

// The file's tree with the overrides ("key=value") applied; those that cannot be are faults.
[[nodiscard]] tl::expected<YamlNode, Faults> parse_with_overrides(
    const std::string& text, std::string_view file_name, std::span<const std::string> overrides,
    Faults& faults);

// A path that an operator wrote, taken from the folder of its file. An empty one stays.
void resolve(std::filesystem::path& path, const std::filesystem::path& folder);

}  // namespace backsight::config
