// The places where networks meet, and how long light takes between them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace backsight::sim {

using CityId = std::uint8_t;

enum class Region : std::uint8_t {
  kNorthAmerica,
  kEurope,
  kAsia,
  kSouthAmerica,
  kAfrica,
  kOceania
};
inline constexpr std::size_t kRegions = 6;

struct City {
  std::string_view name;
  float latitude;        // degrees, north positive
  float longitude;       // degrees, east positive
  std::uint16_t weight;  // how many networks live there, relative to the others
  Region region;
};

// Sorted by weight, the largest first.
[[nodiscard]] std::span<const City> cities() noexcept;

// One-way delays between all pairs of cities over fibre: the great circle at two thirds of the
// speed of light, times the detour that cables take.
class Distances {
 public:
  Distances();
  // Nanoseconds; at least the delay across a city.
  [[nodiscard]] std::uint32_t delay_ns(CityId from, CityId to) const noexcept {
    return delays_[from * count_ + to];
  }

 private:
  std::size_t count_;
  std::vector<std::uint32_t> delays_;
};

}  // namespace backsight::sim
