// Randomness whose seed stands in the failure, and can be set to see it again.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace backsight::testing {

// BACKSIGHT_SEED, or a fresh one.
inline std::uint64_t choose_seed() {
  const char* const given = std::getenv("BACKSIGHT_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  // 0..end-1
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool one_in(std::uint64_t many) { return below(many) == 0; }
  std::uint64_t word() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace backsight::testing

// A generator `random` whose seed is told when something fails.
#define BACKSIGHT_RANDOM(random)                                           \
  const std::uint64_t random##_seed = ::backsight::testing::choose_seed(); \
  SCOPED_TRACE("BACKSIGHT_SEED=" + std::to_string(random##_seed));         \
  ::backsight::testing::Random random(random##_seed)
