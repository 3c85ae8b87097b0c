#include "controller/measurement/measurement.h"

#include <algorithm>

#include "config/deny_list.h"

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;
using probes::Kind;

// Spoofers asked at once: few while good ones are known, more when the first did not help.
constexpr std::size_t kFirstRound = 2;
constexpr std::size_t kLaterRounds = 3;
// Hops of one segment that are tried with Record Route before symmetry is assumed.
constexpr std::uint8_t kMostRoutesTried = 3;
// Slots that a probe leaves for the way back when it is known to be a good one.
constexpr std::uint8_t kGoodDistance = 6;

// Has a place in the public Internet, or in a lab that lives in its stead.
bool can_be_probed(Ipv4Addr address) {
  constexpr std::array<probes::Ipv4Prefix, 5> kPrivate{{{{0x0a000000}, 8},
                                                        {{0xac100000}, 12},
                                                        {{0xc0a80000}, 16},
                                                        {{0x64400000}, 10},
                                                        {{0xa9fe0000}, 16}}};
  return !address.is_unspecified() &&
         std::ranges::none_of(kPrivate, [&](const auto& it) { return it.contains(address); });
}

}  // namespace

Measurement::Measurement(const Request& request, VpIndex source, const MeasurementLimits& limits,
                         const Now& now)
    : request_(request), limits_(limits), started_at_(now.steady), source_(source) {
  path_.id = request.id;
  path_.batch = request.batch;
  path_.label = request.label;
  path_.uuid = request.uuid;
  path_.src = request.src;
  path_.dst = request.dst;
  path_.started_unix_us = now.unix_us;
  path_.hops.reserve(16);
  path_.hops.push_back({.address = request.dst, .type = HopType::kDestination});
}

std::size_t Measurement::memory_bytes() const noexcept {
  return sizeof *this + path_.hops.capacity() * sizeof(ReverseHop) +
         pending_.capacity() * sizeof(Pending) + tried_.capacity() * sizeof(VpIndex) +
         way_there_.capacity() * sizeof(Ipv4Addr) + path_.label.capacity() + path_.uuid.capacity() +
         request_.label.capacity() + request_.uuid.capacity();
}

void Measurement::step(const Event& event, const Knowledge& known, const Now& now,
                       Commands& commands) {
  if (has_ended()) return;
  commands_ = &commands;
  switch (event.what) {
    case Event::What::kStart:
      if (request_.forward_traceroute) ask(source_, Kind::kTrace, request_.dst, 0);
      if (known.silence.is_known(Silence::Of::kAnything, request_.dst, now.steady)) {
        fail(FailReason::kUnresponsive, now, known);
        break;
      }
      go_on(0, known, now);
      break;
    case Event::What::kAnswer:
      on_answer(*event.answer, known, now);
      break;
    case Event::What::kSurvey:
      if (phase_ == Phase::kRoutes && waits_for_survey_) {
        waits_for_survey_ = known.ranking.is_surveying(path_.hops[hop_].address);
        ask_round(known, now);
      }
      break;
    case Event::What::kTime:
      if (phase_ == Phase::kFinishing) {
        pending_.clear();
      } else {
        fail(FailReason::kOutOfTime, now, known);
      }
      break;
    case Event::What::kCancel:
      pending_.clear();
      fail(FailReason::kCancelled, now, known);
      pending_.clear();
      break;
  }
  end_if_done(now);
  commands_ = nullptr;
}

// --- answers -------------------------------------------------------------------------------------

void Measurement::on_answer(const Answer& answer, const Knowledge& known, const Now& now) {
  const auto at = std::ranges::find(pending_, answer.key, &Pending::key);
  if (at == pending_.end()) return;
  const std::size_t hop = at->hop;
  if (answer.has_ended()) {
    pending_.erase(at);
  } else {
    at->is_overdue = true;
  }
  if (phase_ == Phase::kEnded) return;
  const bool is_there = hop < path_.hops.size() && path_.hops[hop].address == answer.key.dst;
  const bool is_answered = answer.state == Answer::State::kAnswered;
  if (is_there && is_answered && answer.key.sender == source_ && !answer.is_spoofed &&
      answer.rtt_ns > 0 && answer.key.kind != Kind::kTrace) {
    path_.hops[hop].rtt_us = static_cast<std::uint32_t>(answer.rtt_ns / 1000);
    path_.hops[hop].rtt_measurement_id = answer.id;
  }
  switch (answer.key.kind) {
    case Kind::kRecordRoute:
      if (is_there && phase_ != Phase::kFinishing) on_route(answer, hop, known, now);
      break;
    case Kind::kTrace:
      if (answer.key.dst == request_.dst) path_.forward_traceroute_id = answer.id;
      if (answer.has_ended()) path_.probes += static_cast<std::uint32_t>(answer.hops.size());
      if (is_there && phase_ == Phase::kTracing && hop == hop_) on_trace(answer, hop, known, now);
      break;
    default:
      if (hop == hop_ && phase_ == Phase::kRoutes) {
        has_answered_ |= is_answered;
        is_ping_silent_ = !is_answered;
        if (!is_waiting(Kind::kRecordRoute)) ask_round(known, now);
      }
      break;
  }
}

void Measurement::on_route(const Answer& answer, std::size_t hop, const Knowledge& known,
                           const Now& now) {
  if (answer.has_route()) {
    const RouteSplit split =
        split_route(answer.recorded, answer.key.dst, request_.src, known.aliases);
    if (hop == 0 && split.target_stamped && split.forward > 0) {
      const Ipv4Addr before = answer.recorded.addresses[split.forward - 1U];
      if (before.value >> 8 == request_.dst.value >> 8) gateway_ = before;
    }
    if (append(hop, split, answer, known, now)) return;
  }
  if (phase_ != Phase::kRoutes || hop != hop_) return;
  has_answered_ |= answer.state == Answer::State::kAnswered;
  if (!is_waiting(Kind::kRecordRoute)) ask_round(known, now);
}

void Measurement::on_trace(const Answer& answer, std::size_t hop, const Knowledge& known,
                           const Now& now) {
  if (!answer.has_ended() || answer.state != Answer::State::kAnswered) {
    give_up_trace(FailReason::kGapLimit, known, now);
    return;
  }
  // The first who answered for each TTL; attempts come in order.
  std::vector<Ipv4Addr> way;
  for (const queue::Hop& it : answer.hops) {
    if (it.ttl == 0) continue;
    if (way.size() < it.ttl) way.resize(it.ttl);
    Ipv4Addr& at = way[it.ttl - 1U];
    if (at.is_unspecified() && it.has_reply) at = it.reply.from;
  }
  if (hop == 0) note_alternative(way, known);
  if (answer.outcome != queue::Outcome::kReached) {
    give_up_trace(answer.outcome == queue::Outcome::kUnreachable ? FailReason::kUnreachable
                  : answer.outcome == queue::Outcome::kLoop      ? FailReason::kLoop
                                                                 : FailReason::kGapLimit,
                  known, now);
    return;
  }
  has_answered_ = true;
  // The target's own replies end the way.
  const Ipv4Addr target = path_.hops[hop].address;
  while (!way.empty() && (way.back().is_unspecified() || known.aliases.same(way.back(), target))) {
    way.pop_back();
  }
  assume(way, answer.id, known, now);
}

// --- how the path grows --------------------------------------------------------------------------

bool Measurement::is_source(Ipv4Addr address, const Knowledge& known) const {
  return known.aliases.same(address, request_.src);
}

std::optional<std::size_t> Measurement::place_of(Ipv4Addr address, std::size_t end,
                                                 const Knowledge& known) const {
  if (address.is_unspecified()) return std::nullopt;
  for (std::size_t i = 0; i < std::min(end, path_.hops.size()); ++i) {
    if (!path_.hops[i].address.is_unspecified() &&
        known.aliases.same(path_.hops[i].address, address)) {
      return i;
    }
  }
  return std::nullopt;
}

// Adds what a reply of hop `hop` told. Returns true if the path grew or is whole.
bool Measurement::append(std::size_t hop, const RouteSplit& split, const Answer& answer,
                         const Knowledge& known, const Now& now) {
  const auto reverse = split.reverse();
  if (split.by == RouteSplit::By::kNothing || (reverse.empty() && !split.is_complete)) return false;
  // What is known behind the hop already must begin what the reply tells, or else the earlier
  // reply, on which measurements rest, holds.
  const std::size_t have = path_.hops.size() - hop - 1;
  for (std::size_t i = 0; i < std::min(have, reverse.size()); ++i) {
    if (!known.aliases.same(path_.hops[hop + 1 + i].address, reverse[i])) return false;
  }
  if (reverse.size() < have || (reverse.size() == have && !split.is_complete)) return false;

  for (std::size_t i = 0; i + 1 < reverse.size(); ++i) {
    commands_->seen_in_a_row.emplace_back(reverse[i], reverse[i + 1]);
  }
  const std::size_t first = path_.hops.size();
  bool is_whole = split.is_complete;
  for (const Ipv4Addr address : reverse.subspan(have)) {
    if (const auto before = place_of(address, path_.hops.size(), known)) {
      // Back where it was: what lies between was no part of the way.
      path_.hops.resize(*before + 1);
      continue;
    }
    path_.hops.push_back(
        {.address = address,
         .type = answer.is_spoofed ? HopType::kSpoofedRecordRoute : HopType::kRecordRoute,
         .is_from_cache = answer.ended_at < started_at_,
         .measurement_id = answer.id});
  }
  const Ipv4Addr gateway = known.vantage.of(source_).said.gateway;
  is_whole |= !gateway.is_unspecified() && path_.hops.size() > 1 &&
              known.aliases.same(path_.hops.back().address, gateway);
  if (is_whole) {
    path_.hops.push_back(
        {.address = request_.src,
         .type = answer.is_spoofed ? HopType::kSpoofedRecordRoute : HopType::kRecordRoute,
         .is_from_cache = answer.ended_at < started_at_,
         .measurement_id = answer.id});
    finish(now, known);
    return true;
  }
  if (path_.hops.size() <= first && have == 0) return false;
  go_on(std::min(first, path_.hops.size() - 1), known, now);
  return true;
}

void Measurement::go_on(std::size_t first, const Knowledge& known, const Now& now) {
  if (meet_atlas(first, known, now)) return;
  if (path_.hops.size() >= limits_.most_hops) return fail(FailReason::kLoop, now, known);
  if (path_.probes >= limits_.most_probes) return fail(FailReason::kOutOfBudget, now, known);
  segment_ = static_cast<std::uint8_t>(first);
  routes_tried_ = 0;
  std::size_t last = path_.hops.size() - 1;
  while (last > first && !can_be_probed(path_.hops[last].address)) --last;
  begin_hop(last, known, now);
}

bool Measurement::meet_atlas(std::size_t first, const Knowledge& known, const Now& now) {
  if (known.atlas == nullptr) return false;
  const SteadyNs age = SteadyNs{request_.staleness_minutes} * kMinute;
  const SteadyNs oldest = now.steady > age ? now.steady - age : 0;
  for (std::size_t hop = path_.hops.size(); hop-- > first;) {
    const auto met = known.atlas->find(path_.hops[hop].address, oldest);
    if (met && splice(*met, hop, known, now)) return true;
  }
  return false;
}

// Adds the rest of the traceroute behind hop `hop`. Refuses when that would come by the path again.
bool Measurement::splice(const Intersection& met, std::size_t hop, const Knowledge& known,
                         const Now& now) {
  const auto& hops = met.trace->hops;
  std::vector<ReverseHop> rest;
  for (std::size_t i = met.next; i < hops.size(); ++i) {
    const auto before = place_of(hops[i], hop + 1, known);
    if (before && *before == hop && rest.empty()) continue;  // the router that was met, again
    if (before) return false;
    const bool is_uncertain = !met.is_certain && i <= met.last;
    rest.push_back({.address = hops[i],
                    .type = is_uncertain ? HopType::kAtlasRecordRoute : HopType::kAtlasTraceroute,
                    .is_from_cache = true,
                    .uncertain_group = is_uncertain ? std::uint8_t{1} : std::uint8_t{0},
                    .measurement_id = met.trace->id});
  }
  path_.hops.resize(hop + 1);
  path_.hops.insert(path_.hops.end(), rest.begin(), rest.end());
  path_.hops.push_back({.address = request_.src,
                        .type = HopType::kAtlasTraceroute,
                        .is_from_cache = true,
                        .measurement_id = met.trace->id});
  finish(now, known);
  return true;
}

// --- Record Route --------------------------------------------------------------------------------

void Measurement::ask(VpIndex sender, Kind kind, Ipv4Addr dst, std::size_t hop) {
  commands_->probes.push_back({sender, kind, dst});
  const Ipv4Addr src = request_.src;
  pending_.push_back({{sender, kind, src, dst}, static_cast<std::uint8_t>(hop), false});
}

bool Measurement::is_waiting(Kind kind) const {
  return std::ranges::any_of(pending_, [&](const Pending& it) {
    return it.key.kind == kind && it.hop == hop_ && !it.is_overdue;
  });
}

void Measurement::begin_hop(std::size_t hop, const Knowledge& known, const Now& now) {
  phase_ = Phase::kRoutes;
  hop_ = static_cast<std::uint8_t>(hop);
  tried_.clear();
  round_ = 0;
  spoofers_tried_ = 0;
  waits_for_survey_ = false;
  has_answered_ = false;
  is_ping_silent_ = false;
  ++routes_tried_;
  const Ipv4Addr target = path_.hops[hop].address;
  if (!can_be_probed(target) ||
      known.silence.is_known(Silence::Of::kRecordRoute, target, now.steady)) {
    return give_up_routes(known, now);
  }
  ask_round(known, now);
}

void Measurement::ask_round(const Knowledge& known, const Now& now) {
  const Ipv4Addr target = path_.hops[hop_].address;
  const bool is_first = round_ == 0;
  const Candidate own = known.ranking.look_up(source_, target, now.steady);
  const bool own_reaches = own.distance == 0 || own.distance <= kMostSlotsUsed || !own.is_exact;
  const bool own_is_good = own.distance != 0 && own.distance <= kGoodDistance && own.is_exact;
  if (std::ranges::count(tried_, source_) == 0 && own_reaches &&
      known.vantage.of(source_).can(Capability::kRecordRoute)) {
    tried_.push_back(source_);
    ask(source_, Kind::kRecordRoute, target, hop_);
    if (own_is_good) {
      ++round_;
      return;
    }
  }
  std::vector<VpIndex> spoofers = known.vantage.spoofers_for(source_);
  std::erase_if(spoofers, [&](VpIndex vp) { return std::ranges::count(tried_, vp) != 0; });
  auto ranked = known.ranking.rank(target, spoofers, now.steady);
  const bool is_known = !ranked.empty() && ranked.front().distance != 0;
  if (!is_known && is_first && !spoofers.empty()) {
    if (known.ranking.wants_survey(target, now.steady)) {
      commands_->survey = target;
      waits_for_survey_ = true;
    } else {
      waits_for_survey_ = known.ranking.is_surveying(target);
    }
  }
  if (waits_for_survey_ && !is_known) return;

  // Vantage points of which nothing is known are worth a probe only if the target answers at all.
  std::erase_if(ranked, [&](const Candidate& it) { return it.distance == 0 && !has_answered_; });
  std::size_t most = is_first ? kFirstRound : kLaterRounds;
  if (is_first && !ranked.empty() && ranked.front().is_exact &&
      ranked.front().distance <= kGoodDistance) {
    most = 1;
  }
  most = std::min<std::size_t>(
      {most, ranked.size(),
       static_cast<std::size_t>(request_.max_spoofers -
                                std::min(request_.max_spoofers, spoofers_tried_))});
  if (is_ping_silent_ && !has_answered_) most = 0;
  for (std::size_t i = 0; i < most; ++i) {
    tried_.push_back(ranked[i].vp);
    ask(ranked[i].vp, Kind::kRecordRoute, target, hop_);
    ++spoofers_tried_;
  }
  if (most > 0) {
    commands_->ranked.emplace();
    commands_->ranked->revtr = request_.id;
    commands_->ranked->hop = target;
    for (const Candidate& it : ranked) {
      commands_->ranked->spoofers.push_back({known.vantage.of(it.vp).said.name,
                                             known.vantage.of(it.vp).said.address, it.ingress,
                                             it.distance, 0});
    }
    // Is it dead? One ping tells, while the others are under way.
    if (!is_first && !has_answered_ && !is_waiting(Kind::kPing)) {
      ask(source_, Kind::kPing, target, hop_);
    }
  }
  ++round_;
  if (!is_waiting(Kind::kRecordRoute)) give_up_routes(known, now);
}

// Nothing more can be learned from this hop by Record Route: an earlier one of the segment may
// tell, and then symmetry.
void Measurement::give_up_routes(const Knowledge& known, const Now& now) {
  const Ipv4Addr target = path_.hops[hop_].address;
  if (spoofers_tried_ > 0 && !has_answered_) commands_->without_record_route = target;
  if (hop_ > segment_ && routes_tried_ < kMostRoutesTried) {
    std::size_t hop = hop_ - 1U;
    while (hop > segment_ && !can_be_probed(path_.hops[hop].address)) --hop;
    if (can_be_probed(path_.hops[hop].address)) return begin_hop(hop, known, now);
  }
  hop_ = static_cast<std::uint8_t>(path_.hops.size() - 1);
  begin_trace(known, now);
}

// --- symmetry ------------------------------------------------------------------------------------

void Measurement::begin_trace(const Knowledge& known, const Now& now) {
  phase_ = Phase::kTracing;
  const ReverseHop& hop = path_.hops[hop_];
  const bool is_assumed =
      hop.type == HopType::kSymmetryWithinAs || hop.type == HopType::kSymmetryAcrossAses;
  if (is_assumed && !way_there_.empty() && way_there_.back() == hop.address) {
    way_there_.pop_back();
    const auto way = std::exchange(way_there_, {});
    return assume(way, way_there_id_, known, now);
  }
  if (!can_be_probed(hop.address) || !known.vantage.of(source_).can(Capability::kTrace)) {
    return give_up_trace(FailReason::kGapLimit, known, now);
  }
  ask(source_, Kind::kTrace, hop.address, hop_);
}

// The path is assumed to go back by the last router on the way there.
void Measurement::assume(std::span<const Ipv4Addr> way_there, std::uint64_t trace,
                         const Knowledge& known, const Now& now) {
  const Ipv4Addr target = path_.hops[hop_].address;
  path_.hops.resize(hop_ + 1U);
  const std::uint32_t asn = known.prefixes.asn(target);
  const auto type_to = [&](Ipv4Addr next) {
    const bool is_same = asn != 0 && known.prefixes.asn(next) == asn;
    return is_same ? HopType::kSymmetryWithinAs : HopType::kSymmetryAcrossAses;
  };
  std::size_t end = way_there.size();
  std::size_t silent = 0;
  while (end > 0 && way_there[end - 1].is_unspecified()) --end, ++silent;
  const Ipv4Addr next = end == 0 ? request_.src : way_there[end - 1];
  for (std::size_t i = 0; i < silent; ++i) {
    path_.hops.push_back({.address = {}, .type = type_to(next), .measurement_id = trace});
  }
  if (end == 0) {
    path_.hops.push_back({.address = request_.src, .type = type_to(next), .measurement_id = trace});
    return finish(now, known);
  }
  if (place_of(next, path_.hops.size(), known)) {
    return give_up_trace(FailReason::kLoop, known, now);
  }
  path_.hops.push_back({.address = next, .type = type_to(next), .measurement_id = trace});
  way_there_.assign(way_there.begin(), way_there.begin() + static_cast<std::ptrdiff_t>(end));
  way_there_id_ = trace;
  go_on(path_.hops.size() - 1, known, now);
}

void Measurement::give_up_trace(FailReason reason, const Knowledge& known, const Now& now) {
  // A hop before it may answer.
  if (hop_ > segment_) {
    --hop_;
    path_.hops.resize(hop_ + 1U);
    return begin_trace(known, now);
  }
  const bool is_dead = hop_ == 0 && !has_answered_;
  if (is_dead) commands_->without_answer = path_.hops[0].address;
  fail(is_dead && reason == FailReason::kGapLimit ? FailReason::kUnresponsive : reason, now, known);
}

// The router nearest to the destination that answers and is of its AS.
void Measurement::note_alternative(std::span<const Ipv4Addr> way_there, const Knowledge& known) {
  const std::uint32_t asn = known.prefixes.asn(request_.dst);
  for (std::size_t i = way_there.size(); asn != 0 && i-- > 0;) {
    const Ipv4Addr hop = way_there[i];
    if (can_be_probed(hop) && known.prefixes.asn(hop) == asn &&
        !known.aliases.same(hop, request_.dst)) {
      alternative_ = hop;
      return;
    }
  }
}

// --- ends ----------------------------------------------------------------------------------------

void Measurement::finish(const Now& now, const Knowledge& known) {
  path_.stop_reason = StopReason::kReaches;
  path_.fail_reason = FailReason::kNone;
  path_.runtime_us = (now.steady - started_at_) / 1000;
  phase_ = Phase::kFinishing;
  waits_for_survey_ = false;
  // Of what is under way, only the forward traceroute is still wanted.
  std::erase_if(pending_, [&](const Pending& it) {
    return it.key.kind != Kind::kTrace || it.key.dst != request_.dst ||
           !request_.forward_traceroute;
  });
  if (!request_.ping_hops) return;
  for (std::size_t i = 0; i + 1 < path_.hops.size(); ++i) {
    const ReverseHop& hop = path_.hops[i];
    if (hop.rtt_us == 0 && can_be_probed(hop.address) &&
        known.vantage.of(source_).can(Capability::kPing)) {
      ask(source_, Kind::kPing, hop.address, i);
    }
  }
}

void Measurement::fail(FailReason reason, const Now& now, const Knowledge& known) {
  path_.stop_reason = StopReason::kFailed;
  path_.fail_reason = reason;
  path_.runtime_us = (now.steady - started_at_) / 1000;
  (void)known;
  waits_for_survey_ = false;
  pending_.clear();
  phase_ = Phase::kFinishing;
}

void Measurement::end_if_done(const Now& now) {
  if (phase_ != Phase::kFinishing) return;
  const bool waits =
      std::ranges::any_of(pending_, [](const Pending& it) { return !it.is_overdue; });
  if (waits) return;
  (void)now;
  phase_ = Phase::kEnded;
  commands_->has_ended = true;
}

}  // namespace backsight::controller
