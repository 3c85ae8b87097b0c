// Time that a test moves by hand.
#pragma once

#include <cstdint>

#include "engine/device/tsc.h"

namespace backsight::engine {

inline constexpr std::uint64_t kTicksPerSecond = 1'000'000'000;  // a tick is a nanosecond
inline constexpr std::uint64_t kTicksPerMs = kTicksPerSecond / 1000;
inline constexpr std::uint64_t kTicksPerUs = kTicksPerSecond / 1'000'000;

constexpr Tsc at_ms(std::uint64_t ms) { return {ms * kTicksPerMs}; }
constexpr Tsc at_us(std::uint64_t us) { return {us * kTicksPerUs}; }

}  // namespace backsight::engine
