// What the texts of a config file mean: numbers and times.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace backsight::config {

// Why a text is refused, such as: "fast" is not a whole number. None: it is not.
using Clause = std::optional<std::string>;
// What a text means, or why it is refused.
template <typename T>
using Reading = tl::expected<T, std::string>;

// A number without sign, blanks or anything else.
[[nodiscard]] Reading<std::uint64_t> read_number(std::string_view text, std::uint64_t least,
                                                 std::uint64_t most);

// A whole number with its unit: "30s", "10m", "24h" or "7d".
[[nodiscard]] Reading<std::chrono::seconds> read_duration(std::string_view text,
                                                          std::chrono::seconds least,
                                                          std::chrono::seconds most);
// In the largest unit of which it is two or more, such as 24h and 60s.
[[nodiscard]] std::string duration_text(std::chrono::seconds duration);

}  // namespace backsight::config
