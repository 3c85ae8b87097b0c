#include "engine/worker/matching.h"

#include "engine/device/neighbours.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {
namespace {

using probes::ipv4::kProtocolIcmp;

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

Matching::Matching(const Surroundings& around, InflightRing& inflight, Ends& ends)
    : around_(around),
      prover_(around),
      inflight_(inflight),
      rings_({&inflight}),
      ends_(ends),
      seen_(inflight.capacity()) {}

RxOutcome Matching::match(const Heard& heard) noexcept {
  switch (heard.reply.type) {
    case probes::ReplyType::kEchoReply:
      return match_echo(heard);
    case probes::ReplyType::kTcpReset:
    case probes::ReplyType::kTcpSynAck:
      return match_tcp(heard);
    case probes::ReplyType::kRedirect:
      return RxOutcome::kRedirect;
    default:
      return match_error(heard);
  }
}

RxOutcome Matching::match_echo(const Heard& heard) noexcept {
  const probes::Reply& reply = heard.reply;
  const InflightRing::Place place = place_of(heard);
  const auto flight = find(place, heard.arrived);
  if (flight && flight->protocol == kProtocolIcmp) {
    const Prover::Verdict proven = prover_.prove_echo(reply, *flight, heard.tag);
    if (proven) return finish(heard, place, *flight, *proven);
    if (proven.error() != RxOutcome::kForeign) return proven.error();
  }
  return observe(heard, reply.identity, reply.from);
}

RxOutcome Matching::match_tcp(const Heard& heard) noexcept {
  const InflightRing::Place place = place_of(heard);
  const auto flight = find(place, heard.arrived);
  if (!flight) return RxOutcome::kForeign;
  const Prover::Verdict proven = prover_.prove_tcp(heard.reply, *flight);
  return proven ? finish(heard, place, *flight, *proven) : proven.error();
}

RxOutcome Matching::match_error(const Heard& heard) noexcept {
  const probes::Reply& reply = heard.reply;
  const probes::Quoted& quoted = reply.quoted;
  RxOutcome why_not = RxOutcome::kForeign;
  const InflightRing::Place place = place_of(heard);
  if (const auto flight = find(place, heard.arrived)) {
    const Prover::Verdict proven = prover_.prove_quote(reply, reply.handle, *flight, heard.tag);
    if (proven) return finish(heard, place, *flight, *proven);
    why_not = proven.error();
  }
  // Half of a UDP probe's handle is often not as sent; then its flow says which it may be.
  if (const auto handle = ends_.udp_handle(quoted); handle && handle != reply.handle) {
    const InflightRing::Place other = inflight_.place_of(*handle);
    if (const auto flight = find(other, heard.arrived)) {
      const Prover::Verdict proven = prover_.prove_quote(reply, *handle, *flight, heard.tag);
      if (proven) return finish(heard, other, *flight, *proven);
    }
  }
  if (!quoted.has_identity || quoted.identity.id.vp == around_.vp_id ||
      quoted.protocol != kProtocolIcmp) {
    return why_not;
  }
  return observe(heard, quoted.identity, quoted.dst);
}

RxOutcome Matching::finish(const Heard& heard, const InflightRing::Place& place,
                           const Flight& flight, const Proven& proven) noexcept {
  if (proven.flaw != probes::Flaw::kCount) ++around_.counters.flaws[proven.flaw];
  around_.lanes[flight.port].neighbours.prove(flight.dst, flight.sent);
  if (!ends_.can_tell(flight, place.worker)) return RxOutcome::kHandoverFull;
  const Claim claim = ring_of(place)->claim(place, flight, heard.arrived);
  if (claim != Claim::kMatched) return outcome_of(claim);
  ends_.answered(heard.reply, proven.proof, flight, place.worker, heard.arrived);
  return RxOutcome::kMatched;
}

// The reply to a spoofed probe of the fleet, ours or another vantage point's: the tag proves it.
RxOutcome Matching::observe(const Heard& heard, const probes::Identity& identity,
                            probes::Ipv4Addr destination) noexcept {
  const auto kind = prover_.prove_spoofed(heard.reply, identity, destination, heard.tag);
  if (!kind) return kind.error();
  if (!seen_.is_new(identity.tag)) return RxOutcome::kObservedAgain;
  ends_.observed(heard.reply, identity, *kind, destination, heard.arrived);
  return RxOutcome::kObserved;
}

}  // namespace backsight::engine
