// How vantage points are named: 1 to 63 of a-z, 0-9 and "-".
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace backsight::config {

inline constexpr std::size_t kMaxVpNameCharacters = 63;  // of a DNS label

[[nodiscard]] constexpr bool is_vp_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

[[nodiscard]] constexpr bool is_vp_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxVpNameCharacters &&
         std::ranges::all_of(name, is_vp_name_character);
}

}  // namespace backsight::config
