// The receiving half of a worker: each frame ends in exactly one counter.
#include <algorithm>
#include <bit>

#include "engine/device/arp.h"
#include "engine/device/echo_responder.h"
#include "engine/worker/worker.h"
#include "probes/wire/assert.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {
namespace {

using probes::ipv4::kProtocolIcmp;
using probes::ipv4::kProtocolTcp;
using probes::ipv4::kProtocolUdp;

constexpr std::size_t kLargeBurst = kBurst / 2;
constexpr std::uint64_t kEchoReplyIntervalUs = 1'000;

probes::MacAddr mac_at(std::span<const std::byte> frame, std::size_t offset) noexcept {
  probes::MacAddr mac;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    mac.bytes[i] = std::to_integer<std::uint8_t>(frame[offset + i]);
  }
  return mac;
}

queue::ReplySummary summary_of(const probes::Reply& reply) noexcept {
  return {.from = reply.from,
          .type = reply.type,
          .ttl = reply.ttl,
          .icmp_type = reply.icmp_type,
          .icmp_code = reply.icmp_code};
}

// What a router or the destination wrote into: the reply's header, or the probe that an error
// quotes.
const probes::IpOptions& options_of(const probes::Reply& reply) noexcept {
  return reply.has_quote ? reply.quoted.options : reply.options;
}

// The kinds of probe that this may answer: an option is there only if it was sent, but a router may
// have taken it away.
std::span<const probes::Kind> kinds_with(const probes::IpOptions& options) noexcept {
  static constexpr std::array<probes::Kind, 3> kKinds = {
      probes::Kind::kTimestamp, probes::Kind::kRecordRoute, probes::Kind::kPing};
  if (options.has_record_route) return std::span(kKinds).subspan(1, 1);
  if (options.has_timestamps) return std::span(kKinds).first(1);
  return kKinds;
}

queue::Hop hop_of(const probes::Reply& reply, std::uint64_t rtt_ns) noexcept {
  queue::Hop hop;
  hop.rtt_ns = rtt_ns;
  hop.reply = summary_of(reply);
  hop.has_reply = true;
  hop.quoted_ttl = reply.has_quote ? reply.quoted.ttl : std::uint8_t{0};
  if (reply.has_quote) {
    hop.label_count =
        static_cast<std::uint8_t>(std::min<std::size_t>(reply.mpls.count, hop.labels.size()));
    std::copy_n(reply.mpls.labels.begin(), hop.label_count, hop.labels.begin());
  }
  return hop;
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

std::uint16_t trace_destination_port(std::uint8_t protocol, std::uint16_t flow) noexcept {
  return protocol == kProtocolTcp ? probes::trace_tcp_port(flow) : probes::trace_udp_port(flow);
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
  ++counters_.outcomes[outcome];
  if (outcome == RxOutcome::kMatched || outcome == RxOutcome::kObserved) return;
  tap_.see(lane.port, frame, {.outcome = outcome}, arrived);
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

RxOutcome Worker::answer_echo(const probes::Reply& reply, const Arrival& arrival) noexcept {
  const probes::Identity& identity = reply.identity;
  if (identity.id.vp == shared_.vp_id) {
    const InflightRing::Place place = place_of(reply.handle, arrival);
    const auto flight = find(place, arrival.at);
    if (flight && flight->protocol == kProtocolIcmp && source_of(*flight) == reply.to &&
        (flight->task & probes::kMaxProbeNumber) == identity.id.number) {
      const probes::TagInput input{.id = identity.id,
                                   .src = source_of(*flight),
                                   .dst = flight->dst,
                                   .handle = reply.handle,
                                   .kind = flight->kind,
                                   .is_spoofed = false};
      if (!is_own_tag(input, identity.tag, arrival)) return RxOutcome::kBadTag;
      return finish(reply, place, *flight, arrival.at);
    }
  }
  return observe(reply, identity, reply.to, reply.from, arrival);
}

RxOutcome Worker::answer_tcp(const probes::Reply& reply, const Arrival& arrival) noexcept {
  const InflightRing::Place place = place_of(reply.handle, arrival);
  const auto flight = find(place, arrival.at);
  if (!flight) return RxOutcome::kForeign;
  if (flight->protocol != kProtocolTcp || flight->dst != reply.from ||
      source_of(*flight) != reply.to || reply.dst_port != probes::trace_source_port(flight->flow) ||
      reply.src_port != trace_destination_port(kProtocolTcp, flight->flow)) {
    return RxOutcome::kMismatch;
  }
  return finish(reply, place, *flight, arrival.at);
}

RxOutcome Worker::answer_error(const probes::Reply& reply, const Arrival& arrival) noexcept {
  std::uint32_t handle = reply.handle;
  if (reply.quoted.protocol == kProtocolUdp) {
    if (const auto mended = find_mangled_udp(reply)) handle = *mended;
  }
  const InflightRing::Place place = place_of(handle, arrival);
  const auto flight = find(place, arrival.at);
  if (flight) {
    const RxOutcome checked = check_quote(reply, handle, *flight, arrival);
    if (checked == RxOutcome::kMatched) return finish(reply, place, *flight, arrival.at);
    if (reply.quoted.identity.id.vp == shared_.vp_id || !reply.quoted.has_identity) return checked;
  }
  if (!reply.quoted.has_identity || reply.quoted.protocol != kProtocolIcmp) {
    return RxOutcome::kForeign;
  }
  return observe(reply, reply.quoted.identity, reply.quoted.src, reply.quoted.dst, arrival);
}

// kMatched if the quote is of the probe in flight.
RxOutcome Worker::check_quote(const probes::Reply& reply, std::uint32_t handle,
                              const Flight& flight, const Arrival& arrival) const noexcept {
  const probes::Quoted& quoted = reply.quoted;
  if (quoted.protocol != flight.protocol || quoted.src != source_of(flight) ||
      quoted.dst != flight.dst) {
    return RxOutcome::kMismatch;
  }
  if (flight.protocol == kProtocolIcmp) {
    if (quoted.checksum != flight.checksum) return RxOutcome::kMismatch;
  } else if (quoted.src_port != probes::trace_source_port(flight.flow) ||
             quoted.dst_port != trace_destination_port(flight.protocol, flight.flow)) {
    return RxOutcome::kMismatch;
  }
  if (!quoted.has_identity) return RxOutcome::kMatched;
  const probes::TagInput input{.id = {shared_.vp_id, flight.task & probes::kMaxProbeNumber},
                               .src = source_of(flight),
                               .dst = flight.dst,
                               .handle = handle,
                               .kind = flight.kind,
                               .is_spoofed = false};
  if (quoted.identity.id != input.id || !is_own_tag(input, quoted.identity.tag, arrival)) {
    return RxOutcome::kBadTag;
  }
  return RxOutcome::kMatched;
}

// The handle of a UDP probe whose quoted IP id a router zeroed, swapped or changed: the checksum
// has the handle's low half, and the flow names the trace, which has one probe under way.
std::optional<std::uint32_t> Worker::find_mangled_udp(const probes::Reply& reply) noexcept {
  const probes::Quoted& quoted = reply.quoted;
  const auto flow = static_cast<std::uint16_t>(
      (quoted.src_port & 0x7fff) | (quoted.dst_port == probes::kTraceUdpPort ? 0 : 0x8000));
  const std::uint32_t* index = udp_traces_.find(udp_key(quoted.dst, flow));
  if (index == nullptr) return std::nullopt;
  const std::uint32_t handle = traces_[*index].handle;
  if ((handle & 0xffff) != quoted.checksum) return std::nullopt;
  return handle;
}

RxOutcome Worker::finish(const probes::Reply& reply, const InflightRing::Place& place,
                         const Flight& flight, Tsc arrived) noexcept {
  lanes_[flight.port]->port.neighbours().prove(flight.dst, flight.sent);
  if (flight.trace != kNoTrace) return finish_trace(reply, place, flight, arrived);
  const Claim claim = ring_of(place)->claim(place, flight, arrived);
  if (claim != Claim::kMatched) return outcome_of(claim);
  const queue::Outcome outcome =
      reply.has_quote ? queue::Outcome::kError : queue::Outcome::kReplied;
  ++counters_.results[outcome];
  reports_.add({.task = flight.task,
                .position = flight.position,
                .at = flight.sent,
                .rtt = arrived.since(flight.sent),
                .src = source_of(flight),
                .dst = flight.dst,
                .reply = summary_of(reply),
                .kind = flight.kind,
                .outcome = outcome,
                .has_reply = true},
               options_of(reply), reply.has_quote);
  return RxOutcome::kMatched;
}

RxOutcome Worker::finish_trace(const probes::Reply& reply, const InflightRing::Place& place,
                               const Flight& flight, Tsc arrived) noexcept {
  Worker& owner = *all_[place.worker];
  SpscRing<TraceAnswer>& inbox = *owner.inboxes_[index_];
  if (&owner != this && inbox.free_slots() == 0 && inbox.refreshed_free_slots() == 0) {
    return RxOutcome::kHandoverFull;
  }
  const Claim claim = owner.inflight_.claim(place, flight, arrived);
  if (claim != Claim::kMatched) return outcome_of(claim);
  TraceAnswer answer{.trace = flight.trace,
                     .is_for_destination = Trace::answers_for_destination(reply, flight.dst),
                     .hop = hop_of(reply, shared_.clock.to_ns(arrived.since(flight.sent)))};
  if (&owner == this) {
    advance(answer.trace,
            traces_[answer.trace].trace.answered(answer.hop, answer.is_for_destination), arrived);
  } else {
    [[maybe_unused]] const bool pushed = inbox.try_push(answer);
    BACKSIGHT_ASSERT(pushed);
  }
  return RxOutcome::kMatched;
}

// The reply to a spoofed probe of the fleet, ours or another vantage point's: the tag proves it.
RxOutcome Worker::observe(const probes::Reply& reply, const probes::Identity& identity,
                          probes::Ipv4Addr src, probes::Ipv4Addr dst,
                          const Arrival& arrival) noexcept {
  if (src != reply.to) return RxOutcome::kMismatch;
  const RxOutcome unproven =
      identity.id.vp == shared_.vp_id ? RxOutcome::kForeign : RxOutcome::kBadTag;
  // What every spoofed probe has in common costs a forger nothing to know, but most replies that
  // prove nothing are no forgeries: no tag is made for those.
  if (reply.handle != spoofed_handle(identity.id.number)) return unproven;
  const probes::IpOptions& options = options_of(reply);
  for (const probes::Kind kind : kinds_with(options)) {
    const probes::TagInput input{.id = identity.id,
                                 .src = src,
                                 .dst = dst,
                                 .handle = reply.handle,
                                 .kind = kind,
                                 .is_spoofed = true};
    if (!is_own_tag(input, identity.tag, arrival)) continue;
    if (!seen_.is_new(identity.tag)) return RxOutcome::kObservedAgain;
    reports_.add({.task = identity.id.number,
                  .at = arrival.at,
                  .src = src,
                  .dst = dst,
                  .reply = summary_of(reply),
                  .probe_vp = identity.id.vp,
                  .what = ReportKind::kObservation,
                  .kind = kind,
                  .has_reply = true},
                 options, reply.has_quote);
    return RxOutcome::kObserved;
  }
  return unproven;
}

std::uint64_t Worker::current_tag(const probes::TagInput& input,
                                  const Arrival& arrival) const noexcept {
  if (peeked_.tag_words.is(arrival.index, input)) return peeked_.tags[arrival.index];
  return probes::make_tag(keys_.current, input);
}

bool Worker::is_own_tag(const probes::TagInput& input, std::uint64_t tag,
                        const Arrival& arrival) const noexcept {
  if (current_tag(input, arrival) == tag) return true;
  // The first of the accepted keys is the current one.
  return std::ranges::any_of(std::span(keys_.accepted).subspan(1), [&](const probes::TagKey& key) {
    return probes::make_tag(key, input) == tag;
  });
}

bool Worker::is_own_address(probes::Ipv4Addr address) const noexcept {
  const std::span own = std::span(addresses_).first(lanes_.size());
  return std::ranges::find(own, address) != own.end();
}

}  // namespace backsight::engine
