// When a vantage point did what it dates by its own clock, on our steady one. Of each probe two
// bounds are known: it left after it was handed over and before its report was heard. The shortest
// time between handing over and leaving is taken for none. Clocks may drift, and one that was
// stepped is measured anew. Thread: one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "controller/now.h"

namespace backsight::controller {

class VpClock {
 public:
  // A probe that was handed over at `handed` left at `unix_ns` of the vantage point's clock (0: not
  // told), as is heard at `heard`. Returns when that was, within [handed, heard].
  SteadyNs left_at(std::uint64_t unix_ns, SteadyNs handed, SteadyNs heard) noexcept {
    if (unix_ns == 0) return heard;
    const auto ahead = static_cast<std::int64_t>(unix_ns - handed);
    if (!ahead_ || ahead <= ahead_at(heard) || is_stepped(unix_ns, heard)) {
      ahead_ = ahead;
      measured_at_ = heard;
      return handed;
    }
    const SteadyNs left = unix_ns - static_cast<std::uint64_t>(ahead_at(heard));
    return std::clamp(left, handed, heard);
  }

 private:
  static constexpr SteadyNs kMostDrift = 10'000;  // one in so many: 100 ppm
  // A time that lies so far in the future was told by a clock that was stepped.
  static constexpr std::int64_t kLeastStepNs = 1'000'000'000;

  [[nodiscard]] std::int64_t ahead_at(SteadyNs at) const noexcept {
    return *ahead_ + static_cast<std::int64_t>((at - measured_at_) / kMostDrift);
  }
  [[nodiscard]] bool is_stepped(std::uint64_t unix_ns, SteadyNs heard) const noexcept {
    const auto left = unix_ns - static_cast<std::uint64_t>(ahead_at(heard));
    return static_cast<std::int64_t>(left - heard) > kLeastStepNs;
  }

  std::optional<std::int64_t> ahead_;  // of our steady clock, at the most
  SteadyNs measured_at_ = 0;
};

}  // namespace backsight::controller
