#include "controller/probing/in_hand.h"

#include <algorithm>
#include <utility>

namespace backsight::controller {

namespace {

constexpr double kMostWaitNs = 250.0 * kMillisecond;
constexpr double kLeastRoom = 64;
// Limits by destination hold some probes back and spare others; a queue spares none (RFC 8289).
constexpr SteadyNs kInterval = 500 * kMillisecond;
// A lane of which nothing is told for so long stands still.
constexpr SteadyNs kStill = kSecond;
// What a vantage point without a limit is given at once, and one with a limit for so many seconds:
// replies are on their way meanwhile, and of a probe with a reply that alone tells that it left.
constexpr double kRoomWithoutLimit = 1 << 16;
constexpr double kMostSeconds = 2;

}  // namespace

double InHand::most_of(VpIndex vp) const {
  const auto at = pps_.find(vp);
  if (at == pps_.end() || at->second <= 0) return kRoomWithoutLimit;
  return std::max(kLeastRoom, at->second * kMostSeconds);
}

void InHand::limit(VpIndex vp, double pps) { pps_[vp] = pps; }

bool InHand::has_room(const Lane& lane) const {
  const auto at = lanes_.find(lane);
  if (at == lanes_.end()) return true;
  const double room = std::min(at->second.room, most_of(lane.vp));
  return at->second.packets == 0 || static_cast<double>(at->second.packets + lane.packets) <= room;
}

std::uint64_t InHand::hand(const Lane& lane, std::uint64_t probe, SteadyNs now) {
  const auto [at, is_new] = lanes_.try_emplace(lane);
  State& state = at->second;
  if (is_new) state.room = most_of(lane.vp);
  if (state.held.empty()) {
    state.wait = state.standing = 0;
    state.least = ~SteadyNs{0};
    state.interval_at = state.moved_at = now;
  }
  state.held.push_back({next_, probe});
  state.packets += lane.packets;
  packets_ += lane.packets;
  return next_++;
}

void InHand::forget(State& state, const Lane& lane, Held& held) {
  if (held.probe == 0) return;
  held.probe = 0;
  state.packets -= lane.packets;
  packets_ -= lane.packets;
}

void InHand::on_left(const Lane& lane, std::uint64_t number, SteadyNs now,
                     std::vector<std::uint64_t>& probes) {
  const auto at = lanes_.find(lane);
  if (at == lanes_.end()) return;
  State& state = at->second;
  while (!state.held.empty() && state.held.front().number <= number) {
    Held& held = state.held.front();
    if (held.probe != 0) probes.push_back(held.probe);
    forget(state, lane, held);
    state.held.pop_front();
    state.moved_at = now;
  }
}

void InHand::learn(const Lane& lane, SteadyNs waited, SteadyNs now) {
  const auto at = lanes_.find(lane);
  if (at == lanes_.end()) return;
  State& state = at->second;
  state.wait = waited;
  state.least = std::min(state.least, waited);
  if (now - state.interval_at > kInterval) {
    state.standing = std::exchange(state.least, ~SteadyNs{0});
    state.interval_at = now;
  }
  const auto standing = static_cast<double>(std::min(waited, state.standing));
  const double gain = std::max(-1.0, 1 - standing / kMostWaitNs);
  if (gain < 0) state.room = std::min(state.room, static_cast<double>(state.packets));
  state.room = std::clamp(state.room + gain * lane.packets, kLeastRoom, most_of(lane.vp));
}

void InHand::drop(const Lane& lane, std::uint64_t number) {
  const auto at = lanes_.find(lane);
  if (at == lanes_.end()) return;
  State& state = at->second;
  const auto held = std::ranges::lower_bound(state.held, number, {}, &Held::number);
  if (held == state.held.end() || held->number != number) return;
  forget(state, lane, *held);
  while (!state.held.empty() && state.held.front().probe == 0) state.held.pop_front();
}

void InHand::raise(std::unordered_map<VpIndex, SteadyNs>& waits, SteadyNs now) const {
  for (const auto& [lane, state] : lanes_) {
    if (state.packets == 0) continue;
    SteadyNs wait = state.standing;
    // Of a spoofed one that it left is told at once.
    if (lane.is_spoofed && now - state.moved_at > kStill)
      wait = std::max(wait, now - state.moved_at);
    SteadyNs& longest = waits[lane.vp];
    longest = std::max(longest, wait);
  }
}

SteadyNs InHand::wait_of(const Lane& lane) const {
  const auto at = lanes_.find(lane);
  return at == lanes_.end() ? 0 : at->second.wait;
}

SteadyNs InHand::moved_at(const Lane& lane) const {
  const auto at = lanes_.find(lane);
  return at == lanes_.end() ? 0 : at->second.moved_at;
}

}  // namespace backsight::controller
