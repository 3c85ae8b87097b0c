// What is probed when the path does not grow by itself: Record Route from near, then symmetry.
#include <algorithm>
#include <utility>

#include "controller/measurement/measurement.h"
#include "probes/assert.h"

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;
using probes::Kind;

// Spoofers asked at once: few while good ones are known, more when the first did not help.
constexpr std::size_t kFirstRound = 2;
constexpr std::size_t kLaterRounds = 3;
// When nobody is known to be near enough, one round is tried, and it is this large.
constexpr std::size_t kBlindRound = 6;
// Hops of one segment that are tried with Record Route before symmetry is assumed.
constexpr std::uint8_t kMostRoutesTried = 3;
// Slots that a probe leaves for the way back when it is known to be a good one.
constexpr std::uint8_t kGoodDistance = 6;

}  // namespace

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

bool Measurement::is_under_way(Kind kind) const {
  return std::ranges::any_of(
      pending_, [&](const Pending& it) { return it.key.kind == kind && it.hop == hop_; });
}

bool Measurement::knows_way_there() const {
  const ReverseHop& hop = path_.hops[hop_];
  const bool is_assumed =
      hop.type == HopType::kSymmetryWithinAs || hop.type == HopType::kSymmetryAcrossAses;
  return is_assumed && !way_there_.empty() && way_there_.back() == hop.address;
}

std::vector<VpIndex> Measurement::spoofers(const Knowledge& known) const {
  if (known.denied.contains(request_.src)) return {};
  return known.vantage.spoofers_for(source_);
}

bool Measurement::is_waiting_for_spoofer() const {
  return std::ranges::any_of(pending_, [&](const Pending& it) {
    return it.key.kind == Kind::kRecordRoute && it.hop == hop_ && !it.is_overdue &&
           it.key.sender != source_;
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
  was_route_asked_ = was_asked_ = was_held_back_ = false;
  is_ping_silent_ = false;
  tries_doubtful_ = false;
  has_begun_trace_ = false;
  ++routes_tried_;
  const Ipv4Addr target = path_.hops[hop].address;
  if (!known.may_be_asked(target) ||
      known.silence.is_known(Silence::Of::kRecordRoute, target, now.steady)) {
    return give_up_routes(known, now);
  }
  ask_round(known, now);
}

void Measurement::ask_round(const Knowledge& known, const Now& now) {
  BACKSIGHT_ASSERT(hop_ < path_.hops.size());
  const Ipv4Addr target = path_.hops[hop_].address;
  if (!known.may_be_asked(target)) return give_up_routes(known, now);
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
  std::vector<VpIndex> others = spoofers(known);
  std::erase_if(others, [&](VpIndex vp) { return std::ranges::count(tried_, vp) != 0; });
  auto ranked = known.ranking.rank(target, others, now.steady);
  const bool is_known = !ranked.empty() && ranked.front().distance != 0;
  if (!is_known && is_first && !others.empty()) {
    if (known.ranking.wants_survey(target, now.steady)) {
      commands_->survey = target;
      waits_for_survey_ = true;
    } else {
      waits_for_survey_ = known.ranking.is_surveying(target);
    }
  }
  if (waits_for_survey_ && !is_known) return;

  // Those that are too far from others of its prefix are tried once, together; and the traceroute
  // that will probably be wanted begins meanwhile.
  const bool has_near = std::ranges::any_of(ranked, [](const Candidate& it) {
    return it.distance != 0 && it.distance <= kMostSlotsUsed;
  });
  if (!has_near) {
    if (tries_doubtful_) ranked.clear();
    tries_doubtful_ = !ranked.empty();
    if (!has_begun_trace_ && hop_ + 1U == path_.hops.size() && !knows_way_there() &&
        known.vantage.of(source_).can(Capability::kTrace)) {
      has_begun_trace_ = true;
      ask(source_, Kind::kTrace, target, hop_);
    }
  }

  std::size_t most = is_first ? kFirstRound : kLaterRounds;
  if (is_first && !ranked.empty() && ranked.front().is_exact &&
      ranked.front().distance <= kGoodDistance) {
    most = 1;
  }
  if (!has_near) most = kBlindRound;
  most = std::min<std::size_t>(
      {most, ranked.size(),
       static_cast<std::size_t>(request_.max_spoofers -
                                std::min(request_.max_spoofers, spoofers_tried_))});
  // Nobody has heard of it in a whole round: it is dead, or drops what we send.
  if (!is_first && !has_answered_ && hop_ > 0) most = 0;
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
  if (was_route_asked_ && !has_answered_ && known.may_be_asked(target)) {
    commands_->without_record_route = target;
  }
  if (hop_ > segment_ && routes_tried_ < kMostRoutesTried) {
    std::size_t hop = hop_ - 1U;
    while (hop > segment_ && !known.may_be_asked(path_.hops[hop].address)) --hop;
    if (known.may_be_asked(path_.hops[hop].address)) return begin_hop(hop, known, now);
  }
  if (hop_ + 1U != path_.hops.size()) has_answered_ = is_ping_silent_ = false;
  hop_ = static_cast<std::uint8_t>(path_.hops.size() - 1);
  begin_trace(known, now);
}

// --- symmetry ------------------------------------------------------------------------------------

void Measurement::begin_trace(const Knowledge& known, const Now& now) {
  BACKSIGHT_ASSERT(hop_ < path_.hops.size());
  phase_ = Phase::kTracing;
  const ReverseHop& hop = path_.hops[hop_];
  if (knows_way_there()) {
    way_there_.pop_back();
    const auto way = std::exchange(way_there_, {});
    return assume(way, way_there_id_, known, now);
  }
  const bool is_useless = hop_ > 0 && is_ping_silent_ && !has_answered_;
  // Its ping is overdue, and not known to have left: its end will tell.
  if (is_useless && !was_asked_ && is_under_way(Kind::kPing)) return;
  if (is_useless || !known.may_be_asked(hop.address) ||
      !known.vantage.of(source_).can(Capability::kTrace)) {
    return give_up_trace(FailReason::kGapLimit, known, now);
  }
  // A traceroute to who does not answer takes long and ends in silence: one ping tells before.
  const bool is_alive = hop_ == 0 || has_answered_;
  ask(source_, is_alive ? Kind::kTrace : Kind::kPing, hop.address, hop_);
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
    has_answered_ = is_ping_silent_ = false;
    return begin_trace(known, now);
  }
  // The deny list came to have it meanwhile: that it did not answer says nothing of it.
  if (known.denied.contains(path_.hops[0].address)) return fail(FailReason::kDenied, now, known);
  const bool is_dead = hop_ == 0 && !has_answered_;
  if (is_dead && (was_asked_ || !was_held_back_)) {
    commands_->without_answer = path_.hops[0].address;
  }
  fail(is_dead && reason == FailReason::kGapLimit ? FailReason::kUnresponsive : reason, now, known);
}

// The router nearest to the destination that answers and is of its AS.
void Measurement::note_alternative(std::span<const Ipv4Addr> way_there, const Knowledge& known) {
  const std::uint32_t asn = known.prefixes.asn(request_.dst);
  for (std::size_t i = way_there.size(); asn != 0 && i-- > 0;) {
    const Ipv4Addr hop = way_there[i];
    if (known.may_be_asked(hop) && known.prefixes.asn(hop) == asn &&
        !known.aliases.same(hop, request_.dst)) {
      alternative_ = hop;
      return;
    }
  }
}

}  // namespace backsight::controller
