#include "engine/worker/proving.h"

#include <algorithm>
#include <span>

#include "engine/worker/reply_parts.h"
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

tl::unexpected<RxOutcome> refused(RxOutcome why) noexcept { return tl::make_unexpected(why); }

}  // namespace

Prover::Verdict Prover::prove_echo(const probes::Reply& reply, const Flight& flight,
                                   const ExpectedTag& expected) const noexcept {
  const probes::Identity& identity = reply.identity;
  const probes::TagInput input = tag_input(flight, reply.handle);
  if (identity.id == input.id && is_own_tag(input, identity.tag, expected)) {
    if (is_sender_known(reply, flight.dst)) return Proven{Proof::kWhole};
    return refused(RxOutcome::kMismatch);
  }
  if (!probes::is_cut_of(identity, {input.id, current_tag(input, expected)})) {
    if (identity.id == input.id) return refused(RxOutcome::kBadTag);
    // Of an older probe of ours, or of the fleet's.
    if (identity.id.vp == around_.vp_id || reply.handle == spoofed_handle(identity.id.number)) {
      return refused(RxOutcome::kForeign);
    }
  }
  // A host that answers without our payload is known by the handle, and must be who was asked.
  const bool is_sound =
      !reply.flaws.has(Flaw::kIpChecksum) && !reply.flaws.has(Flaw::kIcmpChecksum);
  if (!is_sound || reply.from != flight.dst || reply.to != source_of(flight)) {
    return refused(RxOutcome::kMismatch);
  }
  // Of fewer bytes the parser has told.
  return Proven{Proof::kHandle, reply.flaws.has(Flaw::kPayload) ? Flaw::kCount : Flaw::kPayload};
}

Prover::Verdict Prover::prove_tcp(const probes::Reply& reply, const Flight& flight) const noexcept {
  if (flight.protocol != kProtocolTcp || flight.dst != reply.from ||
      source_of(flight) != reply.to ||
      probes::Ports{reply.dst_port, reply.src_port} != probes::trace_tcp::ports_of(flight.flow) ||
      reply.flaws.has(Flaw::kIpChecksum)) {
    return refused(RxOutcome::kMismatch);
  }
  return Proven{Proof::kWhole};
}

Prover::Verdict Prover::prove_quote(const probes::Reply& reply, std::uint32_t handle,
                                    const Flight& flight,
                                    const ExpectedTag& expected) const noexcept {
  const probes::Quoted& quoted = reply.quoted;
  if (quoted.protocol != flight.protocol) return refused(RxOutcome::kMismatch);
  if (!quoted.has_identity) return prove_short_quote(reply, handle, flight);
  const probes::TagInput input = tag_input(flight, handle);
  if (quoted.identity.id == input.id && is_own_tag(input, quoted.identity.tag, expected)) {
    if (!is_sender_known(reply, flight.dst)) return refused(RxOutcome::kMismatch);
    const bool is_as_sent =
        quoted.src == input.src && quoted.dst == input.dst && has_ports_of(quoted, flight) &&
        quoted.handle == handle &&
        (flight.protocol != kProtocolIcmp || quoted.checksum == flight.checksum);
    return Proven{Proof::kWhole, is_as_sent ? Flaw::kCount : Flaw::kQuote};
  }
  // What else stands there is a forgery if it says that it is ours, or what a router left there.
  const bool claims_to_be_ours = quoted.identity.id.vp == around_.vp_id && !quoted.is_short;
  if (claims_to_be_ours &&
      !probes::is_cut_of(quoted.identity, {input.id, current_tag(input, expected)})) {
    return refused(RxOutcome::kBadTag);
  }
  return prove_short_quote(reply, handle, flight);
}

// By the header and the eight bytes that every router quotes.
Prover::Verdict Prover::prove_short_quote(const probes::Reply& reply, std::uint32_t handle,
                                          const Flight& flight) const noexcept {
  const probes::Quoted& quoted = reply.quoted;
  if (quoted.src != source_of(flight) || quoted.dst != flight.dst ||
      !has_ports_of(quoted, flight) || reply.flaws.has(Flaw::kIpChecksum)) {
    return refused(RxOutcome::kMismatch);
  }
  Proven proven{Proof::kWhole};
  // A NAT gives back addresses, ports and id of a quote, and may leave its checksum.
  if (flight.protocol == kProtocolIcmp && quoted.checksum != flight.checksum) {
    proven = {Proof::kHandle, Flaw::kQuote};
  }
  if (flight.protocol == kProtocolUdp && quoted.handle != handle) {
    if (((quoted.handle ^ handle) & 0xffff) != 0 && (quoted.handle ^ handle) >> 16 != 0) {
      return refused(RxOutcome::kMismatch);
    }
    proven = {Proof::kHalf, Flaw::kQuote};
  }
  if (reply.flaws.has(Flaw::kIcmpChecksum)) {
    // Half a handle is too little for a message that is damaged.
    if (proven.proof == Proof::kHalf) return refused(RxOutcome::kMismatch);
    proven.proof = Proof::kHandle;
  }
  return proven;
}

tl::expected<probes::Kind, RxOutcome> Prover::prove_spoofed(
    const probes::Reply& reply, const probes::Identity& identity, probes::Ipv4Addr destination,
    const ExpectedTag& expected) const noexcept {
  const RxOutcome unproven =
      identity.id.vp == around_.vp_id ? RxOutcome::kForeign : RxOutcome::kBadTag;
  // What every spoofed probe has in common costs a forger nothing to know, but most replies that
  // prove nothing are no forgeries: no tag is made for those.
  if (reply.handle != spoofed_handle(identity.id.number)) return refused(unproven);
  const probes::IpOptions& options = options_of(reply);
  for (const probes::Kind kind :
       probes::kinds_by_likelihood(options.has_record_route, options.has_timestamps)) {
    const probes::TagInput input{.id = identity.id,
                                 .src = reply.to,
                                 .dst = destination,
                                 .handle = reply.handle,
                                 .kind = kind,
                                 .is_spoofed = true};
    if (!is_own_tag(input, identity.tag, expected)) continue;
    if (!is_sender_known(reply, destination)) return refused(RxOutcome::kMismatch);
    return kind;
  }
  return refused(unproven);
}

probes::TagInput Prover::tag_input(const Flight& flight, std::uint32_t handle) const noexcept {
  return {.id = {around_.vp_id, flight.task & probes::kMaxProbeNumber},
          .src = source_of(flight),
          .dst = flight.dst,
          .handle = handle,
          .kind = flight.kind,
          .is_spoofed = false};
}

std::uint64_t Prover::current_tag(const probes::TagInput& input,
                                  const ExpectedTag& expected) const noexcept {
  const ExpectedTags& burst = expected.of_burst;
  if (burst.words.is(expected.index, input)) return burst.tags[expected.index];
  return probes::make_tag(around_.keys.current, input);
}

bool Prover::is_own_tag(const probes::TagInput& input, std::uint64_t tag,
                        const ExpectedTag& expected) const noexcept {
  if (current_tag(input, expected) == tag) return true;
  // The first of the accepted keys is the current one.
  const auto is_of = [&](const probes::TagKey& key) { return probes::make_tag(key, input) == tag; };
  return std::ranges::any_of(std::span(around_.keys.accepted).subspan(1), is_of);
}

}  // namespace backsight::engine
