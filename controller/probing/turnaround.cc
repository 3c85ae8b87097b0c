#include "controller/probing/turnaround.h"

#include <algorithm>
#include <cmath>

#include "probes/ip/network.h"

namespace backsight::controller {

namespace {

// What the queue adds and no estimate has seen yet.
constexpr double kMarginNs = 30.0 * kMillisecond;
// Before anything was heard at all.
constexpr SteadyNs kFirstPatience = kSecond;
constexpr SteadyNs kMostPatience = 10 * kSecond;
// Too many prefixes to remember: the table begins anew, and is full again within minutes.
constexpr std::size_t kMostPrefixes = 1 << 20;

}  // namespace

void Turnaround::Estimate::learn(double time_ns) noexcept {
  if (count++ == 0) {
    mean_ns = time_ns;
    deviation_ns = time_ns / 4;
    return;
  }
  deviation_ns += (std::abs(time_ns - mean_ns) - deviation_ns) / 4;
  mean_ns += (time_ns - mean_ns) / 8;
}

SteadyNs Turnaround::Estimate::patience() const noexcept {
  const double wanted = mean_ns + 4 * deviation_ns + kMarginNs;
  return std::min(static_cast<SteadyNs>(wanted), kMostPatience);
}

std::uint64_t Turnaround::key_of(VpIndex sender, VpIndex receiver, probes::Ipv4Addr dst) noexcept {
  return std::uint64_t{sender} << 48 | std::uint64_t{receiver} << 32 | probes::network_of(dst);
}

void Turnaround::learn(VpIndex sender, VpIndex receiver, probes::Ipv4Addr dst, SteadyNs time_ns) {
  const auto time = static_cast<double>(time_ns);
  if (by_prefix_.size() >= kMostPrefixes) by_prefix_.clear();
  by_prefix_[key_of(sender, receiver, dst)].learn(time);
  by_pair_[std::uint32_t{sender} << 16 | receiver].learn(time);
  all_.learn(time);
}

SteadyNs Turnaround::patience(VpIndex sender, VpIndex receiver, probes::Ipv4Addr dst) const {
  if (const auto at = by_prefix_.find(key_of(sender, receiver, dst)); at != by_prefix_.end()) {
    return at->second.patience();
  }
  if (sender != receiver) {
    // The way there is the sender's, the way back the receiver's.
    const auto there = by_prefix_.find(key_of(sender, sender, dst));
    const auto back = by_prefix_.find(key_of(receiver, receiver, dst));
    if (there != by_prefix_.end() && back != by_prefix_.end()) {
      return std::max(there->second.patience(), back->second.patience());
    }
  }
  const auto pair = by_pair_.find(std::uint32_t{sender} << 16 | receiver);
  if (pair != by_pair_.end()) return pair->second.patience();
  return all_.count > 0 ? all_.patience() * 2 : kFirstPatience;
}

}  // namespace backsight::controller
