#include "controller/measurement/silence.h"

#include <algorithm>

namespace backsight::controller {

namespace {

constexpr SteadyNs kFirst = kMinute;
constexpr std::uint8_t kMostDoublings = 10;  // 17 hours
constexpr std::size_t kMost = 4 << 20;

}  // namespace

void Silence::learn(Of what, probes::Ipv4Addr target, SteadyNs now) {
  if (entries_.size() >= kMost) entries_.clear();
  Entry& entry = entries_[key_of(what, target)];
  if (now < entry.until) return;  // told by several who asked at the same time
  entry.until = now + (kFirst << entry.times);
  entry.times = std::min<std::uint8_t>(static_cast<std::uint8_t>(entry.times + 1), kMostDoublings);
}

void Silence::forget(Of what, probes::Ipv4Addr target) { entries_.erase(key_of(what, target)); }

bool Silence::is_known(Of what, probes::Ipv4Addr target, SteadyNs now) const {
  return now < until(what, target);
}

SteadyNs Silence::until(Of what, probes::Ipv4Addr target) const {
  const auto at = entries_.find(key_of(what, target));
  return at == entries_.end() ? 0 : at->second.until;
}

}  // namespace backsight::controller
