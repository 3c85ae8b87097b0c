// Whole files, of a size that is sane.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "config/fault.h"

namespace backsight::config {

inline constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

// Reads a regular file. The fault says why it cannot be read, in the name of `path`.
[[nodiscard]] tl::expected<std::string, Fault> read_text_file(
    const std::filesystem::path& path, std::size_t max_bytes = kMaxFileBytes);

// The text without blanks, tabs and carriage returns around it.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

}  // namespace backsight::config
