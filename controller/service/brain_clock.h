// The time that the brain lives by. It stands still while what is measured could not be kept: then
// no probe becomes overdue and no measurement runs out of time because of us.
// Thread: one at a time.
#pragma once

#include <optional>

#include "controller/now.h"

namespace backsight::controller {

class BrainClock {
 public:
  // `real` is steady time that never stands still, and never smaller than before.
  [[nodiscard]] SteadyNs at(SteadyNs real) const noexcept {
    return stopped_at_.value_or(real) - stood_still_;
  }
  void stop(SteadyNs real) noexcept {
    if (!stopped_at_) stopped_at_ = real;
  }
  void go_on(SteadyNs real) noexcept {
    if (stopped_at_) stood_still_ += real - *stopped_at_;
    stopped_at_.reset();
  }
  [[nodiscard]] bool is_stopped() const noexcept { return stopped_at_.has_value(); }

 private:
  std::optional<SteadyNs> stopped_at_;
  SteadyNs stood_still_ = 0;  // in all
};

}  // namespace backsight::controller
