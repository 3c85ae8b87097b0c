// How the path grows: by recorded routes and by what the atlas knows.
#include <algorithm>

#include "controller/measurement/measurement.h"
#include "controller/measurement/unseen_ases.h"

namespace backsight::controller {

using probes::Ipv4Addr;

bool Measurement::is_source(Ipv4Addr address, const Knowledge& known) const {
  return known.aliases.same(address, request_.src);
}

std::optional<std::size_t> Measurement::place_of(Ipv4Addr address, std::size_t end,
                                                 const Knowledge& known) const {
  for (std::size_t i = 0; i < std::min(end, path_.hops.size()); ++i) {
    if (known.aliases.same(path_.hops[i].address, address)) return i;
  }
  return std::nullopt;
}

// Adds what a reply of hop `hop` told. Returns true if the path grew or is whole; else it is as it
// was.
bool Measurement::append(std::size_t hop, const RouteSplit& split, const Answer& answer,
                         const Knowledge& known, const Now& now) {
  const auto reverse = split.reverse();
  if (split.by == RouteSplit::By::kNothing || (reverse.empty() && !split.is_complete)) return false;
  // What is known behind the hop already must begin what the reply tells, or else the earlier
  // reply, on which measurements rest, holds.
  const std::size_t have = path_.hops.size() - hop - 1;
  for (std::size_t i = 0; i < std::min(have, reverse.size()); ++i) {
    if (!known.aliases.agree(path_.hops[hop + 1 + i].address, reverse[i])) return false;
  }
  if (reverse.size() < have || (reverse.size() == have && !split.is_complete)) return false;

  Ipv4Addr refuted;  // the last stamp that the atlas is wrong about
  for (std::size_t i = 0; i + 1 < reverse.size(); ++i) {
    commands_->seen_in_a_row.emplace_back(reverse[i], reverse[i + 1]);
    if (known.atlas != nullptr && known.atlas->is_contradicted_by(reverse[i], reverse[i + 1])) {
      refuted = reverse[i];
    }
  }
  const std::vector<ReverseHop> before_it = path_.hops;
  std::size_t first = path_.hops.size();
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
  is_whole |= path_.hops.size() > 1 && known.aliases.same(path_.hops.back().address, gateway);
  if (is_whole) {
    path_.hops.push_back(
        {.address = request_.src,
         .type = answer.is_spoofed ? HopType::kSpoofedRecordRoute : HopType::kRecordRoute,
         .is_from_cache = answer.ended_at < started_at_,
         .measurement_id = answer.id});
    finish(now, known);
    return true;
  }
  if (path_.hops.size() <= first) {
    // It leads back to where the path was. A path that only grows comes to an end.
    path_.hops = before_it;
    return false;
  }
  first = std::min(first, path_.hops.size() - 1);
  if (const auto place = place_of(refuted, path_.hops.size(), known)) {
    first = std::max(first, std::min(*place + 1, path_.hops.size() - 1));
  }
  go_on(first, known, now);
  return true;
}

void Measurement::go_on(std::size_t first, const Knowledge& known, const Now& now) {
  if (meet_atlas(first, known, now)) return;
  if (path_.hops.size() >= limits_.most_hops) return fail(FailReason::kLoop, now, known);
  if (path_.probes >= limits_.most_probes) return fail(FailReason::kOutOfBudget, now, known);
  segment_ = static_cast<std::uint8_t>(first);
  routes_tried_ = 0;
  std::size_t last = path_.hops.size() - 1;
  while (last > first && !known.may_be_asked(path_.hops[last].address)) --last;
  begin_hop(last, known, now);
}

SteadyNs Measurement::oldest_believed(const Now& now) const {
  const SteadyNs age = SteadyNs{request_.staleness_minutes} * kMinute;
  return now.steady > age ? now.steady - age : 0;
}

bool Measurement::meet_atlas(std::size_t first, const Knowledge& known, const Now& now) {
  if (known.atlas == nullptr) return false;
  for (std::size_t hop = path_.hops.size(); hop-- > first;) {
    const auto met = known.atlas->find(path_.hops[hop].address, oldest_believed(now));
    if (met && splice(*met, hop, known, now)) return true;
  }
  return false;
}

// The first hop of the traceroute that may belong behind hop `hop`. The path is in the hop's AS
// already: of the hops that it may have met, those in another AS before the first in this one were
// passed before, or are the border router again by the address that its neighbour gave it.
std::size_t Measurement::first_behind(const Intersection& met, std::size_t hop,
                                      const Knowledge& known) const {
  if (met.is_certain) return met.next;
  const auto asn_of = [&](Ipv4Addr address) { return known.prefixes.asn(address); };
  // An address of which no AS is known, such as a private one, is of the AS that was entered last.
  const bool is_told = asn_of(path_.hops[hop].address) != 0;
  std::uint32_t asn = 0;
  for (std::size_t i = hop + 1; asn == 0 && i-- > 0;) asn = asn_of(path_.hops[i].address);
  const std::size_t end = std::min<std::size_t>(met.last + 2U, met.trace->hops.size());
  for (std::size_t i = met.next; asn != 0 && i < end; ++i) {
    const std::uint32_t its = asn_of(met.trace->hops[i]);
    if (its == asn || (!is_told && its == 0)) return i;
  }
  // None is in it: the first is the router that was met, by the address that its neighbour gave it.
  const bool is_elsewhere = is_told && met.next < end && asn_of(met.trace->hops[met.next]) != 0;
  return is_elsewhere ? met.next + 1U : met.next;
}

// The path up to where it meets the traceroute, with hops of ASes that do not stamp.
void Measurement::show_unseen_ases(const Intersection& met, const Knowledge& known,
                                   const Now& now) {
  const auto unseen =
      unseen_ases(path_.hops, met, *known.atlas, oldest_believed(now), known.prefixes);
  for (auto it = unseen.rbegin(); it != unseen.rend(); ++it) {
    std::vector<ReverseHop> between;
    for (const Ipv4Addr address : it->hops) {
      between.push_back({.address = address,
                         .type = HopType::kAtlasRecordRoute,
                         .is_from_cache = true,
                         .measurement_id = it->trace});
    }
    path_.hops.insert(path_.hops.begin() + static_cast<std::ptrdiff_t>(it->before), between.begin(),
                      between.end());
  }
}

// Adds the rest of the traceroute behind hop `hop`. Refuses when that would come by the path again.
bool Measurement::splice(const Intersection& met, std::size_t hop, const Knowledge& known,
                         const Now& now) {
  const auto& hops = met.trace->hops;
  std::vector<ReverseHop> rest;
  for (std::size_t i = first_behind(met, hop, known); i < hops.size(); ++i) {
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
  show_unseen_ases(met, known, now);
  path_.hops.insert(path_.hops.end(), rest.begin(), rest.end());
  path_.hops.push_back({.address = request_.src,
                        .type = HopType::kAtlasTraceroute,
                        .is_from_cache = true,
                        .measurement_id = met.trace->id});
  finish(now, known);
  return true;
}

}  // namespace backsight::controller
