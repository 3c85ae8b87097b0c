// How long things took, as counts by logarithmic steps: of fixed size however many there are, and
// those of several runs can be added up.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace backsight::evaluation {

class LatencyHistogram {
 public:
  // Each step is 2% longer than the one before; a quantile is off by 1% at most.
  static constexpr double kStep = 1.02;
  static constexpr double kLeast_s = 1e-3;  // what is quicker counts as this
  static constexpr std::size_t kSteps = 800;

  void add(double seconds) noexcept {
    const double at = seconds <= kLeast_s ? 0 : std::log(seconds / kLeast_s) / std::log(kStep);
    ++counts_[at >= kSteps - 1 ? kSteps - 1 : static_cast<std::size_t>(at)];
    ++total_;
  }
  // What falls into step i took from upper_s(i - 1) to upper_s(i) seconds.
  [[nodiscard]] static double upper_s(std::size_t step) noexcept {
    return kLeast_s * std::pow(kStep, static_cast<double>(step) + 1);
  }
  [[nodiscard]] std::uint64_t count(std::size_t step) const noexcept { return counts_[step]; }
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

  // The middle of the step in which the quantile lies, 0..1. 0: nothing was added.
  [[nodiscard]] double quantile_s(double quantile) const noexcept {
    const double wanted = quantile * static_cast<double>(total_);
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < kSteps; ++step) {
      seen += counts_[step];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return upper_s(step) / std::sqrt(kStep);
    }
    return 0;
  }

 private:
  std::array<std::uint64_t, kSteps> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace backsight::evaluation
