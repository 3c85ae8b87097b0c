// The receiving half of a worker: each frame ends in exactly one counter.
#include <algorithm>
#include <bit>

#include "engine/device/arp.h"
#include "engine/device/echo_responder.h"
#include "engine/worker/reply_parts.h"
#include "engine/worker/worker.h"
#include "probes/assert.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {
namespace {

constexpr std::size_t kLargeBurst = kBurst / 2;
constexpr std::uint64_t kEchoReplyIntervalUs = 1'000;

probes::MacAddr mac_at(std::span<const std::byte> frame, std::size_t offset) noexcept {
  probes::MacAddr mac;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    mac.bytes[i] = std::to_integer<std::uint8_t>(frame[offset + i]);
  }
  return mac;
}

// Of an answer that answer_echo_in_place() made.
probes::Ipv4Addr echo_destination(std::span<const std::byte> frame) noexcept {
  constexpr std::size_t kEthernetBytes = 14;
  constexpr std::size_t kDestination = 16;  // in an IPv4 header
  return {probes::load_be32(&frame[kEthernetBytes + kDestination])};
}

HopReport hop_of(const probes::Reply& reply, tasks::Proof proof, const Flight& flight,
                 Tsc arrived) noexcept {
  HopReport hop{.has_reply = true,
                .proof = proof,
                .sent = flight.sent,
                .rtt = arrived.since(flight.sent),
                .reply = summary_of(reply),
                .trace = flight.trace};
  if (!reply.has_quote) return hop;
  hop.quoted_ttl = reply.quoted.ttl;
  hop.label_count =
      static_cast<std::uint8_t>(std::min<std::size_t>(reply.mpls.count, hop.labels.size()));
  std::transform(reply.mpls.labels.begin(), reply.mpls.labels.begin() + hop.label_count,
                 hop.labels.begin(), [](const probes::MplsLabel& it) { return it.entry(); });
  return hop;
}

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

RxOutcome outcome_of(Claim claim) noexcept {
  switch (claim) {
    case Claim::kMatched:
      return RxOutcome::kMatched;
    case Claim::kLate:
      return RxOutcome::kLate;
    case Claim::kDuplicate:
      return RxOutcome::kDuplicate;
    case Claim::kForeign:
      break;
  }
  return RxOutcome::kForeign;
}

}  // namespace

// Fetches packets and reads them. When they come in large bursts, each burst is read only when the
// next was fetched: meanwhile its packets come near, which another core or the port wrote.
bool Worker::receive(Lane& lane) noexcept {
  Lane::Received& fresh = lane.received[lane.turn];
  Lane::Received& waiting = lane.received[lane.turn ^ 1U];
  lane.queue.receive(fresh.burst);
  fresh.at = shared_.clock.now();
  fresh.burst.prefetch();
  lap(Stage::kReceive, fresh.burst.size());
  if (waiting.burst.size() + fresh.burst.size() == 0) return false;
  counters_.received += fresh.burst.size();
  std::size_t count = waiting.burst.size();
  read(lane, waiting);
  if (fresh.burst.size() < kLargeBurst) {
    count += fresh.burst.size();
    read(lane, fresh);
  } else {
    lane.turn ^= 1U;
  }
  lap(Stage::kMatch, count);
  return true;
}

void Worker::read(Lane& lane, Lane::Received& received) noexcept {
  const std::size_t count = received.burst.size();
  if (count == 0) return;
  peek(received.burst);
  for (std::size_t i = 0; i < count; ++i) take_frame(lane, {received.at, i});
  received.burst.clear();
}

// Fills peeked_, and brings the slots that the frames name near. Many handles and tags at once cost
// a fraction of what they cost one by one.
void Worker::peek(const RxBurst& burst) noexcept {
  const std::size_t count = burst.size();
  std::array<std::uint64_t, probes::kIdentityBurst> opened;
  bool has_tags = false;
  for (std::size_t i = 0; i < count; ++i) {
    peeked_.frames[i] = burst.bytes(i);
    const probes::Peek seen = probes::peek(peeked_.frames[i]);
    opened[i] = peeked_.handles[i] = seen.handle;
    has_tags |= seen.has_identity;
    if (!seen.has_identity) {
      peeked_.tag_words.clear(i);
      continue;
    }
    peeked_.tag_words.set(i, {.id = seen.identity.id,
                              .src = seen.to,
                              .dst = seen.from,
                              .handle = seen.handle,
                              .kind = seen.kind,
                              .is_spoofed = seen.identity.id.vp != shared_.vp_id});
  }
  probes::open_handles(shared_.cipher, count, opened);
  for (std::size_t i = 0; i < count; ++i) {
    peeked_.places[i] = inflight_.place_of_opened(static_cast<std::uint32_t>(opened[i]));
    if (InflightRing* ring = ring_of(peeked_.places[i])) ring->prefetch(peeked_.places[i]);
  }
  if (has_tags) probes::make_tags(keys_.current, peeked_.tag_words, count, peeked_.tags);
}

void Worker::take_frame(Lane& lane, const Arrival& arrival) noexcept {
  const std::span<std::byte> frame = peeked_.frames[arrival.index];
  const Tsc arrived = arrival.at;
  const auto reply = probes::parse_frame(frame);
  if (!reply && reply.error() == probes::Reject::kFrameTooShort) {
    ++counters_.rejected[reply.error()];
    tap_.see(lane.port, frame, {.reject = reply.error()}, arrived);
    return;
  }
  if (mac_at(frame, 6) == lane.mac && !lane.port.shares_mac()) {
    ++counters_.outcomes[RxOutcome::kOwnFrame];
    tap_.see(lane.port, frame, {.outcome = RxOutcome::kOwnFrame}, arrived);
    return;
  }
  const probes::MacAddr to = mac_at(frame, 0);
  if (to != lane.mac && to != probes::kBroadcastMac) {
    ++counters_.outcomes[RxOutcome::kNotForUs];
    tap_.see(lane.port, frame, {.outcome = RxOutcome::kNotForUs}, arrived);
    return;
  }
  if (!reply) {
    ++counters_.rejected[reply.error()];
    tap_.see(lane.port, frame, {.reject = reply.error()}, arrived);
    take_local(lane, reply.error(), frame, arrived);
    return;
  }
  const RxOutcome outcome =
      is_own_address(reply->to) ? answer(*reply, arrival) : RxOutcome::kNotForUs;
  const FrameFate fate = count(*reply, outcome);
  if (outcome == RxOutcome::kMatched || outcome == RxOutcome::kObserved) return;
  tap_.see(lane.port, frame, fate, arrived);
}

// A reply that proves nothing is refused for its flaw, where one that does is heard in spite of it.
FrameFate Worker::count(const probes::Reply& reply, RxOutcome outcome) noexcept {
  if (!reply.flaws.is_empty()) {
    const probes::Reject reject = reply.flaws.reject();
    if (!is_heard(outcome) && reject != probes::Reject::kCount) {
      ++counters_.rejected[reject];
      return {.reject = reject};
    }
    for (std::size_t i = 0; is_heard(outcome) && i < probes::kFlawCount; ++i) {
      const auto flaw = static_cast<probes::Flaw>(i);
      if (reply.flaws.has(flaw)) ++counters_.flaws[flaw];
    }
  }
  ++counters_.outcomes[outcome];
  return {.outcome = outcome};
}

// What is not a reply but meant for this host: ARP, and pings where no kernel answers them.
void Worker::take_local(Lane& lane, probes::Reject reject, std::span<std::byte> frame,
                        Tsc arrived) noexcept {
  const probes::Ipv4Addr own = lane.port.config().address;
  if (reject == probes::Reject::kArp) {
    ++counters_.arp[take_arp(lane, frame, arrived)];
  } else if (reject == probes::Reject::kEchoRequest && lane.port.answers()) {
    // A broadcast ping is not answered (RFC 1122, section 3.2.2.6).
    if (mac_at(frame, 0) == probes::kBroadcastMac) return;
    if (!echo_replies_.allows(arrived)) return;
    const std::span<std::byte> reply = answer_echo_in_place(frame, own);
    if (reply.empty()) return;
    // Who is on the deny list may have been named by somebody else.
    if (policy_ != nullptr && policy_->denies(echo_destination(reply))) return;
    echo_replies_.take(arrived, shared_.clock.from_ns(kEchoReplyIntervalUs * 1000), {});
    if (send_frame(lane, reply)) ++counters_.echo_replies_sent;
  }
}

ArpOutcome Worker::take_arp(Lane& lane, std::span<const std::byte> frame, Tsc arrived) noexcept {
  const probes::Ipv4Addr own = lane.port.config().address;
  const auto packet = parse_arp(frame);
  if (!packet) return ArpOutcome::kMalformed;
  const bool is_ours = packet->sender_mac == lane.mac && !lane.port.shares_mac();
  if (is_ours && packet->sender == own) return ArpOutcome::kOther;
  if (is_ours) return ArpOutcome::kBadSender;
  const ArpOutcome heard = lane.port.neighbours().hear(*packet, arrived);
  if (heard == ArpOutcome::kConflict || heard == ArpOutcome::kBadSender || !packet->is_request ||
      packet->target != own) {
    return heard;
  }
  if (lane.port.answers() && send_frame(lane, craft_arp_reply(lane.mac, own, *packet))) {
    ++counters_.arp_sent;
  }
  return ArpOutcome::kRequest;
}

RxOutcome Worker::answer(const probes::Reply& reply, const Arrival& arrival) noexcept {
  switch (reply.type) {
    case probes::ReplyType::kEchoReply:
      return answer_echo(reply, arrival);
    case probes::ReplyType::kTcpReset:
    case probes::ReplyType::kTcpSynAck:
      return answer_tcp(reply, arrival);
    case probes::ReplyType::kRedirect:
      return RxOutcome::kRedirect;
    default:
      return answer_error(reply, arrival);
  }
}

RxOutcome Worker::finish(const probes::Reply& reply, const InflightRing::Place& place,
                         const Flight& flight, tasks::Proof proof, Tsc arrived) noexcept {
  lanes_[flight.port]->port.neighbours().prove(flight.dst, flight.sent);
  if (flight.trace != kNoTrace) return finish_trace(reply, place, flight, proof, arrived);
  const Claim claim = ring_of(place)->claim(place, flight, arrived);
  if (claim != Claim::kMatched) return outcome_of(claim);
  const tasks::Outcome outcome =
      reply.has_quote ? tasks::Outcome::kError : tasks::Outcome::kReplied;
  ++counters_.results[outcome];
  reports_.add({.kind = flight.kind,
                .outcome = outcome,
                .has_reply = true,
                .proof = proof,
                .task = flight.task,
                .position = flight.position,
                .at = flight.sent,
                .rtt = arrived.since(flight.sent),
                .src = source_of(flight),
                .dst = flight.dst,
                .reply = summary_of(reply)},
               options_of(reply), reply.has_quote);
  return RxOutcome::kMatched;
}

RxOutcome Worker::finish_trace(const probes::Reply& reply, const InflightRing::Place& place,
                               const Flight& flight, tasks::Proof proof, Tsc arrived) noexcept {
  Worker& owner = *all_[place.worker];
  SpscRing<HopReport>& inbox = *owner.inboxes_[index_];
  if (&owner != this && inbox.free_slots() == 0 && inbox.refreshed_free_slots() == 0) {
    return RxOutcome::kHandoverFull;
  }
  const Claim claim = owner.inflight_.claim(place, flight, arrived);
  if (claim != Claim::kMatched) return outcome_of(claim);
  const HopReport hop = hop_of(reply, proof, flight, arrived);
  if (&owner == this) {
    answer_hop(hop, arrived);
  } else {
    [[maybe_unused]] const bool pushed = inbox.try_push(hop);
    BACKSIGHT_ASSERT(pushed);
  }
  return RxOutcome::kMatched;
}

bool Worker::is_own_address(probes::Ipv4Addr address) const noexcept {
  const std::span own = std::span(addresses_).first(lanes_.size());
  return std::ranges::find(own, address) != own.end();
}

}  // namespace backsight::engine
