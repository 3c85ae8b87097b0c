#include "engine/worker/arrival.h"

#include <algorithm>

#include "engine/device/arp.h"
#include "probes/identity/identity_burst.h"

namespace backsight::engine {
namespace {

constexpr std::size_t kLargeBurst = kBurst / 2;

// What proves to be an answer to a probe, whatever becomes of it.
bool is_heard(RxOutcome outcome) noexcept {
  switch (outcome) {
    case RxOutcome::kMatched:
    case RxOutcome::kLate:
    case RxOutcome::kDuplicate:
    case RxOutcome::kObserved:
    case RxOutcome::kObservedAgain:
    case RxOutcome::kHandoverFull:
      return true;
    default:
      return false;
  }
}

}  // namespace

Arrival::Arrival(const Surroundings& around, const probes::HandleCipher& cipher, Matching& matching,
                 LocalHost& host, FrameTap& tap, StageTimer& timer)
    : around_(around),
      cipher_(cipher),
      matching_(matching),
      host_(host),
      tap_(tap),
      timer_(timer),
      ports_(around.lanes.size()) {}

bool Arrival::receive(std::size_t port, const SendPolicy* policy) noexcept {
  OfPort& of_port = ports_[port];
  Fetched& fresh = of_port.fetched[of_port.turn];
  Fetched& waiting = of_port.fetched[of_port.turn ^ 1U];
  around_.lanes[port].queue.receive(fresh.burst);
  fresh.at = around_.clock.now();
  fresh.burst.prefetch();
  timer_.lap(Stage::kReceive, fresh.burst.size());
  if (waiting.burst.size() + fresh.burst.size() == 0) return false;
  around_.counters.received += fresh.burst.size();
  std::size_t count = waiting.burst.size();
  read(port, waiting, policy);
  if (fresh.burst.size() < kLargeBurst) {
    count += fresh.burst.size();
    read(port, fresh, policy);
  } else {
    of_port.turn ^= 1U;
  }
  timer_.lap(Stage::kMatch, count);
  return true;
}

void Arrival::read_fetched(std::size_t port, const SendPolicy* policy) noexcept {
  OfPort& of_port = ports_[port];
  read(port, of_port.fetched[of_port.turn ^ 1U], policy);
}

void Arrival::read(std::size_t port, Fetched& fetched, const SendPolicy* policy) noexcept {
  const std::size_t count = fetched.burst.size();
  if (count == 0) return;
  std::array<std::span<std::byte>, kBurst> frames;
  for (std::size_t i = 0; i < count; ++i) frames[i] = fetched.burst.bytes(i);
  read(port, std::span(frames).first(count), fetched.at, policy);
  fetched.burst.clear();
}

void Arrival::read(std::size_t port, std::span<const std::span<std::byte>> frames, Tsc arrived,
                   const SendPolicy* policy) noexcept {
  Peeked peeked;
  peek(frames, peeked);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const FrameFate fate = take(around_.lanes[port], frames[i], peeked, i, arrived);
    if (fate.reject != probes::Reject::kCount) {
      ++around_.counters.rejected[fate.reject];
    } else {
      ++around_.counters.outcomes[fate.outcome];
      if (fate.outcome == RxOutcome::kMatched || fate.outcome == RxOutcome::kObserved) continue;
    }
    tap_.see(static_cast<std::uint8_t>(port), frames[i], fate, arrived);
    host_.take(port, fate.reject, frames[i], arrived, policy);
  }
}

// Brings the slots that the frames name near. Many handles and tags at once cost a fraction of what
// they cost one by one.
void Arrival::peek(std::span<const std::span<std::byte>> frames, Peeked& peeked) noexcept {
  std::array<std::uint64_t, probes::kIdentityBurst> opened;
  bool has_tags = false;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const probes::Peek seen = probes::peek(frames[i]);
    opened[i] = peeked.handles[i] = seen.handle;
    has_tags |= seen.has_identity;
    if (!seen.has_identity) {
      peeked.tags.words.clear(i);
      continue;
    }
    peeked.tags.words.set(i, {.id = seen.identity.id,
                              .src = seen.to,
                              .dst = seen.from,
                              .handle = seen.handle,
                              .kind = seen.kind,
                              .is_spoofed = seen.identity.id.vp != around_.vp_id});
  }
  probes::open_handles(cipher_, frames.size(), opened);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    peeked.places[i] = matching_.place_of_opened(static_cast<std::uint32_t>(opened[i]));
  }
  if (has_tags) {
    probes::make_tags(around_.keys.current, peeked.tags.words, frames.size(), peeked.tags.tags);
  }
}

FrameFate Arrival::take(const Lane& lane, std::span<const std::byte> frame, const Peeked& peeked,
                        std::size_t index, Tsc arrived) noexcept {
  const auto reply = probes::parse_frame(frame);
  if (!reply && reply.error() == probes::Reject::kFrameTooShort) return {.reject = reply.error()};
  const probes::MacAddr to = load_mac(&frame[0]);
  const probes::MacAddr from = load_mac(&frame[to.bytes.size()]);
  if (from == lane.mac && !lane.shares_mac) return {.outcome = RxOutcome::kOwnFrame};
  if (to != lane.mac && to != probes::kBroadcastMac) return {.outcome = RxOutcome::kNotForUs};
  if (!reply) return {.reject = reply.error()};
  if (!is_own_address(reply->to)) return fate_of(*reply, RxOutcome::kNotForUs);
  return fate_of(*reply, matching_.match({.reply = *reply,
                                          .place = peeked.places[index],
                                          .handle = peeked.handles[index],
                                          .tag = {peeked.tags, index},
                                          .arrived = arrived}));
}

// A reply that proves nothing is refused for its flaw, where one that does is heard in spite of it.
FrameFate Arrival::fate_of(const probes::Reply& reply, RxOutcome outcome) noexcept {
  if (reply.flaws.is_empty()) return {.outcome = outcome};
  if (!is_heard(outcome)) {
    const probes::Reject reject = reply.flaws.reject();
    if (reject != probes::Reject::kCount) return {.reject = reject};
    return {.outcome = outcome};
  }
  for (std::size_t i = 0; i < probes::kFlawCount; ++i) {
    const auto flaw = static_cast<probes::Flaw>(i);
    if (reply.flaws.has(flaw)) ++around_.counters.flaws[flaw];
  }
  return {.outcome = outcome};
}

bool Arrival::is_own_address(probes::Ipv4Addr address) const noexcept {
  return std::ranges::find(around_.addresses, address) != around_.addresses.end();
}

}  // namespace backsight::engine
