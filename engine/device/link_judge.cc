#include "engine/device/link_judge.h"

#include <fmt/format.h>

#include "probes/crafting/template.h"

namespace backsight::engine {

void LinkJudge::settle(const LinkView& view) {
  known_ = view;
  is_held_ = needs_reopening_ = false;
  why_.clear();
  well_since_.reset();
}

LinkJudge::Ruling LinkJudge::judge(const LinkView& view, Clock::time_point now) {
  const bool is_another = !view.exists || view.index != known_.index;
  const bool was_lost = !view.has_link() || view.losses != known_.losses;
  const bool lost_program = traits_.has_program && view.xdp_program != known_.xdp_program;
  needs_reopening_ |= is_another || lost_program || (was_lost && traits_.keeps_unsent);
  if (std::string now_wrong = fault(view); !now_wrong.empty()) {
    is_held_ = true;
    well_since_.reset();
    why_ = std::move(now_wrong);
    return {Verdict::kHold, why_};
  }
  std::string changed = change(view);
  if (!is_held_ && changed.empty()) return {};
  is_held_ = true;
  if (!changed.empty()) why_ = std::move(changed);
  if (!well_since_) well_since_ = now;
  if (now - *well_since_ < kSettleTime) return {Verdict::kHold, why_};
  return {needs_reopening_ ? Verdict::kReopen : Verdict::kResume, why_};
}

// What keeps the port from being used as long as it is so.
std::string LinkJudge::fault(const LinkView& view) const {
  const std::string& name = traits_.interface;
  if (name.empty()) {
    return view.has_link() ? std::string() : std::string("the link is down");
  }
  if (!view.exists) {
    return traits_.makes_interface ? std::string()
                                   : fmt::format("there is no interface {} any more", name);
  }
  if (!view.is_ethernet) return fmt::format("{} carries no Ethernet frames", name);
  if (!view.is_up) return fmt::format("the link is down ({} is not set up)", name);
  if (!view.has_carrier) return fmt::format("the link is down ({} has no carrier)", name);
  if (view.mtu != 0 && view.mtu < probes::kMaxProbeBytes) {
    return fmt::format("the MTU of {} is {}, and probes need {}", name, view.mtu,
                       probes::kMaxProbeBytes);
  }
  const bool is_ours = view.index == known_.index && view.xdp_program == known_.xdp_program;
  if (traits_.has_program && view.xdp_program != 0 && !is_ours) {
    return fmt::format(
        "XDP program {} took the place of ours on {}; `ip link set dev {} xdp off` detaches it",
        view.xdp_program, name, name);
  }
  return {};
}

// What became another and may be used, after a while.
std::string LinkJudge::change(const LinkView& view) const {
  const std::string& name = traits_.interface;
  if (!view.exists) return fmt::format("the interface {} was deleted and is made again", name);
  if (view.index != known_.index) return fmt::format("the interface {} was made anew", name);
  if (traits_.has_program && view.xdp_program != known_.xdp_program) {
    return fmt::format("our XDP program was taken off {} and is attached again", name);
  }
  if (view.mac != known_.mac) {
    return fmt::format("the MAC address of {} changed from {} to {}", name,
                       probes::to_string(known_.mac), probes::to_string(view.mac));
  }
  if (view.mtu != known_.mtu) {
    return fmt::format("the MTU of {} changed from {} to {}", name, known_.mtu, view.mtu);
  }
  if (view.losses != known_.losses) {
    return fmt::format("{} was without carrier for a moment", name);
  }
  return {};
}

}  // namespace backsight::engine
