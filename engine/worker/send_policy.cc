#include "engine/worker/send_policy.h"

#include <utility>

#include "probes/identity/identity.h"

namespace backsight::engine {

using tasks::Reason;

SendPolicy::SendPolicy(std::uint32_t number, const config::BogonPolicy& bogons,
                       config::PrefixSet deny, config::Enrolment enrolment)
    : number_(number), bogons_(bogons), deny_(std::move(deny)), enrolment_(std::move(enrolment)) {}

SendPolicy SendPolicy::renumbered(std::uint32_t number) const {
  return {number, bogons_, deny_, enrolment_};
}

Reason SendPolicy::refusal(const tasks::Task& task, bool is_spoofed,
                           std::int64_t now) const noexcept {
  if (deny_.contains(task.dst)) return Reason::kDenied;
  if (bogons_.refuses(task.dst)) return Reason::kBogon;
  if (!is_spoofed) return Reason::kNone;
  if (task.kind == probes::Kind::kTrace) return Reason::kSpoofedKind;
  if (!enrolment_.allows(task.src, now)) return Reason::kNotEnrolled;
  if (deny_.contains(task.src)) return Reason::kSourceDenied;
  // Where the reply arrives, the packet alone tells the task.
  return task.id > probes::kMaxProbeNumber ? Reason::kBadTask : Reason::kNone;
}

}  // namespace backsight::engine
