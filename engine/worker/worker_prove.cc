// What replies prove: which of them answer our probes, and by how much that is known
// (docs/wire-identity.md). The whole tag outweighs everything else that is odd in a packet.
#include <algorithm>

#include "engine/worker/reply_parts.h"
#include "engine/worker/worker.h"
#include "probes/protocols.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {
namespace {

using probes::Flaw;
using probes::ipv4::kProtocolIcmp;
using probes::ipv4::kProtocolTcp;
using probes::ipv4::kProtocolUdp;
using tasks::Proof;

// As sent. Of ICMP, which has none: always.
bool has_ports_of(const probes::Quoted& quoted, const Flight& flight) noexcept {
  return probes::Ports{quoted.src_port, quoted.dst_port} ==
         probes::ports_of(flight.protocol, flight.flow);
}

// A damaged header may name another sender. Nothing but the probe itself says who was asked.
bool is_sender_known(const probes::Reply& reply, probes::Ipv4Addr destination) noexcept {
  return !reply.flaws.has(Flaw::kIpChecksum) || reply.from == destination;
}

}  // namespace

probes::TagInput Worker::tag_input(const Flight& flight, std::uint32_t handle) const noexcept {
  return {.id = {shared_.vp_id, flight.task & probes::kMaxProbeNumber},
          .src = source_of(flight),
          .dst = flight.dst,
          .handle = handle,
          .kind = flight.kind,
          .is_spoofed = false};
}

RxOutcome Worker::answer_echo(const probes::Reply& reply, const Arrival& arrival) noexcept {
  const InflightRing::Place place = place_of(reply.handle, arrival);
  const auto flight = find(place, arrival.at);
  if (flight && flight->protocol == kProtocolIcmp) {
    const Verdict proof = prove_echo(reply, *flight, arrival);
    if (proof) return finish(reply, place, *flight, *proof, arrival.at);
    if (proof.error() != RxOutcome::kForeign) return proof.error();
  }
  return observe(reply, reply.identity, reply.from, arrival);
}

Worker::Verdict Worker::prove_echo(const probes::Reply& reply, const Flight& flight,
                                   const Arrival& arrival) noexcept {
  const probes::Identity& identity = reply.identity;
  const probes::TagInput input = tag_input(flight, reply.handle);
  if (identity.id == input.id && is_own_tag(input, identity.tag, arrival)) {
    if (is_sender_known(reply, flight.dst)) return Proof::kWhole;
    return tl::make_unexpected(RxOutcome::kMismatch);
  }
  if (!probes::is_cut_of(identity, {input.id, current_tag(input, arrival)})) {
    if (identity.id == input.id) return tl::make_unexpected(RxOutcome::kBadTag);
    // Of an older probe of ours, or of the fleet's.
    if (identity.id.vp == shared_.vp_id || reply.handle == spoofed_handle(identity.id.number)) {
      return tl::make_unexpected(RxOutcome::kForeign);
    }
  }
  // A host that answers without our payload is known by the handle, and must be who was asked.
  const bool is_sound =
      !reply.flaws.has(Flaw::kIpChecksum) && !reply.flaws.has(Flaw::kIcmpChecksum);
  if (!is_sound || reply.from != flight.dst || reply.to != source_of(flight)) {
    return tl::make_unexpected(RxOutcome::kMismatch);
  }
  // Of fewer bytes the parser has told.
  if (!reply.flaws.has(Flaw::kPayload)) ++counters_.flaws[Flaw::kPayload];
  return Proof::kHandle;
}

RxOutcome Worker::answer_tcp(const probes::Reply& reply, const Arrival& arrival) noexcept {
  const InflightRing::Place place = place_of(reply.handle, arrival);
  const auto flight = find(place, arrival.at);
  if (!flight) return RxOutcome::kForeign;
  if (flight->protocol != kProtocolTcp || flight->dst != reply.from ||
      source_of(*flight) != reply.to ||
      probes::Ports{reply.dst_port, reply.src_port} != probes::trace_tcp::ports_of(flight->flow) ||
      reply.flaws.has(Flaw::kIpChecksum)) {
    return RxOutcome::kMismatch;
  }
  return finish(reply, place, *flight, Proof::kWhole, arrival.at);
}

RxOutcome Worker::answer_error(const probes::Reply& reply, const Arrival& arrival) noexcept {
  const probes::Quoted& quoted = reply.quoted;
  RxOutcome why_not = RxOutcome::kForeign;
  const InflightRing::Place place = place_of(reply.handle, arrival);
  if (const auto flight = find(place, arrival.at)) {
    const Verdict proof = prove_quote(reply, reply.handle, *flight, arrival);
    if (proof) return finish(reply, place, *flight, *proof, arrival.at);
    why_not = proof.error();
  }
  // Half of a UDP probe's handle is often not as sent; then its flow says which it may be.
  if (const auto handle = udp_under_way(quoted); handle && handle != reply.handle) {
    const InflightRing::Place other = inflight_.place_of(*handle);
    if (const auto flight = find(other, arrival.at)) {
      const Verdict proof = prove_quote(reply, *handle, *flight, arrival);
      if (proof) return finish(reply, other, *flight, *proof, arrival.at);
    }
  }
  if (!quoted.has_identity || quoted.identity.id.vp == shared_.vp_id ||
      quoted.protocol != kProtocolIcmp) {
    return why_not;
  }
  return observe(reply, quoted.identity, quoted.dst, arrival);
}

Worker::Verdict Worker::prove_quote(const probes::Reply& reply, std::uint32_t handle,
                                    const Flight& flight, const Arrival& arrival) noexcept {
  const probes::Quoted& quoted = reply.quoted;
  if (quoted.protocol != flight.protocol) return tl::make_unexpected(RxOutcome::kMismatch);
  if (!quoted.has_identity) return prove_short_quote(reply, handle, flight);
  const probes::TagInput input = tag_input(flight, handle);
  if (quoted.identity.id == input.id && is_own_tag(input, quoted.identity.tag, arrival)) {
    if (!is_sender_known(reply, flight.dst)) return tl::make_unexpected(RxOutcome::kMismatch);
    const bool is_as_sent =
        quoted.src == input.src && quoted.dst == input.dst && has_ports_of(quoted, flight) &&
        quoted.handle == handle &&
        (flight.protocol != kProtocolIcmp || quoted.checksum == flight.checksum);
    if (!is_as_sent) ++counters_.flaws[Flaw::kQuote];
    return Proof::kWhole;
  }
  // What else stands there is a forgery if it says that it is ours, or what a router left there.
  const bool claims_to_be_ours = quoted.identity.id.vp == shared_.vp_id && !quoted.is_short;
  if (claims_to_be_ours &&
      !probes::is_cut_of(quoted.identity, {input.id, current_tag(input, arrival)})) {
    return tl::make_unexpected(RxOutcome::kBadTag);
  }
  return prove_short_quote(reply, handle, flight);
}

// By the header and the eight bytes that every router quotes.
Worker::Verdict Worker::prove_short_quote(const probes::Reply& reply, std::uint32_t handle,
                                          const Flight& flight) noexcept {
  const probes::Quoted& quoted = reply.quoted;
  if (quoted.src != source_of(flight) || quoted.dst != flight.dst ||
      !has_ports_of(quoted, flight) || reply.flaws.has(Flaw::kIpChecksum)) {
    return tl::make_unexpected(RxOutcome::kMismatch);
  }
  Proof proof = Proof::kWhole;
  // A NAT gives back addresses, ports and id of a quote, and may leave its checksum.
  if (flight.protocol == kProtocolIcmp && quoted.checksum != flight.checksum) {
    proof = Proof::kHandle;
  }
  if (flight.protocol == kProtocolUdp && quoted.handle != handle) {
    if (((quoted.handle ^ handle) & 0xffff) != 0 && (quoted.handle ^ handle) >> 16 != 0) {
      return tl::make_unexpected(RxOutcome::kMismatch);
    }
    proof = Proof::kHalf;
  }
  if (proof != Proof::kWhole) ++counters_.flaws[Flaw::kQuote];
  if (reply.flaws.has(Flaw::kIcmpChecksum)) {
    // Half a handle is too little for a message that is damaged.
    if (proof == Proof::kHalf) return tl::make_unexpected(RxOutcome::kMismatch);
    proof = Proof::kHandle;
  }
  return proof;
}

// The handle of the UDP probe that is under way in the flow that is quoted, if it is of this
// worker: a trace has one at a time.
std::optional<std::uint32_t> Worker::udp_under_way(const probes::Quoted& quoted) noexcept {
  if (quoted.protocol != kProtocolUdp) return std::nullopt;
  const std::uint16_t flow = probes::trace_udp::flow_of({quoted.src_port, quoted.dst_port});
  const std::uint32_t* index = udp_traces_.find(udp_key(quoted.dst, flow));
  if (index == nullptr) return std::nullopt;
  return traces_[*index].handle;
}

// The reply to a spoofed probe of the fleet, ours or another vantage point's: the tag proves it.
RxOutcome Worker::observe(const probes::Reply& reply, const probes::Identity& identity,
                          probes::Ipv4Addr dst, const Arrival& arrival) noexcept {
  const RxOutcome unproven =
      identity.id.vp == shared_.vp_id ? RxOutcome::kForeign : RxOutcome::kBadTag;
  // What every spoofed probe has in common costs a forger nothing to know, but most replies that
  // prove nothing are no forgeries: no tag is made for those.
  if (reply.handle != spoofed_handle(identity.id.number)) return unproven;
  const probes::IpOptions& options = options_of(reply);
  for (const probes::Kind kind :
       probes::kinds_by_likelihood(options.has_record_route, options.has_timestamps)) {
    const probes::TagInput input{.id = identity.id,
                                 .src = reply.to,
                                 .dst = dst,
                                 .handle = reply.handle,
                                 .kind = kind,
                                 .is_spoofed = true};
    if (!is_own_tag(input, identity.tag, arrival)) continue;
    if (!is_sender_known(reply, dst)) return RxOutcome::kMismatch;
    if (!seen_.is_new(identity.tag)) return RxOutcome::kObservedAgain;
    reports_.add({.what = ReportKind::kObservation,
                  .kind = kind,
                  .has_reply = true,
                  .task = identity.id.number,
                  .at = arrival.at,
                  .src = reply.to,
                  .dst = dst,
                  .reply = summary_of(reply),
                  .probe_vp = identity.id.vp},
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

}  // namespace backsight::engine
