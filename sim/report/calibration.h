// How the simulated Internet compares with the real one: figures measured in it, beside those that
// others published.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/world.h"

namespace backsight::sim {

struct Figure {
  std::string_view name;  // for people
  std::string_view key;   // for programs
  std::string_view unit;  // "%", "ASes", "routers", "ms"
  double simulated = 0;
  double published_low = 0;  // the same as the next where one figure is published
  double published_high = 0;
  double tolerance = 0;  // in the unit, below and above
  std::string_view source;
  // Not held: nothing comparable is published, or the source measured something near to it only.
  bool is_held = true;

  [[nodiscard]] bool fits() const noexcept {
    return simulated >= published_low - tolerance && simulated <= published_high + tolerance;
  }
};

// Measures with some thousand hosts drawn at random. `progress` gets shares of the work done.
[[nodiscard]] std::vector<Figure> calibrate(World& world, std::uint32_t hosts,
                                            const std::function<void(double)>& progress);

[[nodiscard]] std::string calibration_table(const World& world, const std::vector<Figure>& figures);
[[nodiscard]] std::string calibration_json(const World& world, const std::vector<Figure>& figures);

}  // namespace backsight::sim
