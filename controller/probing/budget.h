// A rate that is not exceeded: a token bucket that holds a tenth of a second's worth.
// Thread: one at a time.
#pragma once

#include <algorithm>

#include "controller/now.h"

namespace backsight::controller {

class Budget {
 public:
  Budget() = default;
  // 0: without limit.
  explicit Budget(double pps) : pps_(pps), tokens_(burst()) {}

  void set_rate(double pps) noexcept {
    pps_ = pps;
    tokens_ = std::min(tokens_, burst());
  }

  // True if `packets` may be sent now. More than the bucket holds is let through when it is full,
  // and owed.
  [[nodiscard]] bool has(double packets, SteadyNs now) noexcept {
    if (pps_ <= 0) return true;
    fill(now);
    return tokens_ >= std::min(packets, burst());
  }
  void spend(double packets) noexcept {
    if (pps_ > 0) tokens_ -= packets;
  }
  // When has(packets) will be true.
  [[nodiscard]] SteadyNs when(double packets, SteadyNs now) noexcept {
    if (has(packets, now)) return now;
    const double missing = std::min(packets, burst()) - tokens_;
    return now + static_cast<SteadyNs>(missing / pps_ * kSecond) + 1;
  }

 private:
  [[nodiscard]] double burst() const noexcept { return std::max(1.0, pps_ / 10); }
  void fill(SteadyNs now) noexcept {
    if (filled_at_ != 0 && now > filled_at_) {
      tokens_ += static_cast<double>(now - filled_at_) / kSecond * pps_;
    }
    filled_at_ = now;
    tokens_ = std::min(tokens_, burst());
  }

  double pps_ = 0;
  double tokens_ = 0;
  SteadyNs filled_at_ = 0;
};

}  // namespace backsight::controller
