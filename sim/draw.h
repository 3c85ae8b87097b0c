// Randomness without state: a draw is a hash of the seed, of what is drawn and of whose it is, so
// that nothing need be stored and no order of calls changes it.
#pragma once

#include <cstdint>

#include "probes/assert.h"

namespace backsight::sim {

// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9U;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

[[nodiscard]] constexpr std::uint64_t combine(std::uint64_t a, std::uint64_t b) noexcept {
  return mix(a ^ (b + 0x9e3779b97f4a7c15U + (a << 6) + (a >> 2)));
}

// A hash as a number of [0, 1).
[[nodiscard]] constexpr double unit(std::uint64_t hash) noexcept {
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

// A hash as a number of 0..n-1. REQUIRES: n > 0.
[[nodiscard]] constexpr std::uint32_t below(std::uint64_t hash, std::uint32_t n) noexcept {
  BACKSIGHT_ASSERT(n > 0);
  return static_cast<std::uint32_t>(((hash >> 32) * n) >> 32);
}

// A sequence of draws, for what is built once in a fixed order.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(mix(seed)) {}

  constexpr std::uint64_t next() noexcept { return mix(state_ += 0x9e3779b97f4a7c15U); }
  constexpr double unit() noexcept { return sim::unit(next()); }
  constexpr bool chance(double share) noexcept { return unit() < share; }
  // REQUIRES: n > 0.
  constexpr std::uint32_t below(std::size_t n) noexcept {
    return sim::below(next(), static_cast<std::uint32_t>(n));
  }
  // A number of least..most.
  constexpr std::uint32_t between(std::uint32_t least, std::uint32_t most) noexcept {
    return least + below(most - least + 1);
  }

 private:
  std::uint64_t state_;
};

}  // namespace backsight::sim
