#include "tasks/result.h"

namespace backsight::tasks {

namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, static_cast<std::size_t>(Outcome::kCount)> kOutcomes = {
    "replied", "error",     "timed_out", "sent",        "refused", "send_failed",
    "reached", "gap_limit", "max_ttl",   "unreachable", "loop",
};
constexpr std::array<std::string_view, static_cast<std::size_t>(Reason::kCount)> kReasons = {
    "none",         "denied",       "bogon",           "not_enrolled", "source_denied",
    "spoofed_kind", "duplicate_id", "bad_task",        "no_route",     "neighbour",
    "transmit",     "stopped",      "neighbours_full", "link",
};
constexpr std::array<std::string_view, static_cast<std::size_t>(Proof::kCount)> kProofs = {
    "whole", "handle", "half_handle"};
static_assert(!kOutcomes.back().empty() && !kReasons.back().empty());

}  // namespace

std::string_view name(Outcome outcome) noexcept {
  const auto index = static_cast<std::size_t>(outcome);
  return index < kOutcomes.size() ? kOutcomes[index] : "unknown";
}

std::string_view name(Proof proof) noexcept {
  const auto index = static_cast<std::size_t>(proof);
  return index < kProofs.size() ? kProofs[index] : "unknown";
}

std::string_view name(Reason reason) noexcept {
  const auto index = static_cast<std::size_t>(reason);
  return index < kReasons.size() ? kReasons[index] : "unknown";
}

}  // namespace backsight::tasks
