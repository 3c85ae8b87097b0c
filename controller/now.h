// Time as the controller's pure parts see it: handed in, never asked for.
#pragma once

#include <cstdint>

namespace backsight::controller {

// Steady nanoseconds: from any start, never back. All waiting is measured in them.
using SteadyNs = std::uint64_t;

inline constexpr SteadyNs kMillisecond = 1'000'000;
inline constexpr SteadyNs kSecond = 1'000 * kMillisecond;
inline constexpr SteadyNs kMinute = 60 * kSecond;
inline constexpr SteadyNs kHour = 60 * kMinute;

struct Now {
  SteadyNs steady = 0;
  std::uint64_t unix_us = 0;  // for dates alone; it may be stepped
};

}  // namespace backsight::controller
