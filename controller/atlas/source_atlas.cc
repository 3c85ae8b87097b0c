#include "controller/atlas/source_atlas.h"

#include <algorithm>
#include <unordered_set>

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;
using probes::names_nobody;

bool has_loop(const AtlasTrace& trace, const AliasTable& aliases) {
  std::unordered_set<Ipv4Addr> seen;
  for (const Ipv4Addr hop : trace.hops) {
    if (!names_nobody(hop) && !seen.insert(aliases.find(hop)).second) return true;
  }
  return false;
}

// Of two, the one that says more: certain, then narrow, then new.
bool says_more(const Intersection& a, const Intersection& b) {
  if (a.is_certain != b.is_certain) return a.is_certain;
  if (a.last - a.first != b.last - b.first) return a.last - a.first < b.last - b.first;
  return a.trace->at > b.trace->at;
}

void keep_better(std::optional<Intersection>& best, const Intersection& other) {
  if (!best || says_more(other, *best)) best = other;
}

}  // namespace

bool SourceAtlas::add(AtlasTrace trace) {
  // A router that answers for two hops in a row is one hop.
  for (std::size_t i = trace.hops.size(); i-- > 1;) {
    if (aliases_.same(trace.hops[i], trace.hops[i - 1])) {
      trace.hops.erase(trace.hops.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  if (has_loop(trace, aliases_)) return false;
  // Of two from an address that names nobody it is not known that they are from one place.
  const bool has_place = trace.vp != kNoVp || !names_nobody(trace.from);
  const auto same = std::ranges::find_if(traces_, [&](const AtlasTrace& it) {
    return it.vp == trace.vp && it.from == trace.from && (has_place || it.hops == trace.hops);
  });
  if (same != traces_.end()) {
    if (same->hops == trace.hops) {
      same->at = trace.at;
      same->id = trace.id;
      same->valid_from = 0;
      return true;
    }
    *same = std::move(trace);
    reindex();
    return true;
  }
  traces_.push_back(std::move(trace));
  index(static_cast<std::uint32_t>(traces_.size() - 1));
  bound(static_cast<std::uint32_t>(traces_.size() - 1));
  return true;
}

void SourceAtlas::index(std::uint32_t trace) {
  const auto& hops = traces_[trace].hops;
  for (std::size_t i = 0; i < hops.size(); ++i) {
    if (!names_nobody(hops[i])) {
      places_[hops[i]].push_back({trace, static_cast<std::uint16_t>(i)});
    }
  }
}

void SourceAtlas::reindex() {
  places_.clear();
  bounds_.clear();
  bounded_.clear();
  for (std::uint32_t i = 0; i < traces_.size(); ++i) index(i);
  for (std::uint32_t i = 0; i < traces_.size(); ++i) bound(i);
}

void SourceAtlas::add_route(Ipv4Addr hop, std::span<const Ipv4Addr> passed, bool is_complete,
                            SteadyNs now) {
  Route& route = routes_[hop];
  // The longer says more, unless it is of another time.
  const bool is_same = route.passed.size() == passed.size() &&
                       std::equal(passed.begin(), passed.end(), route.passed.begin());
  if (route.at != 0 && !is_same && route.passed.size() > passed.size() && route.is_complete &&
      !is_complete && now - route.at < kMinute) {
    return;
  }
  const bool is_news = !is_same || route.is_complete != is_complete || now - route.at > kMinute;
  route.at = now;
  if (!is_news) return;
  route.passed.assign(passed.begin(), passed.end());
  route.is_complete = is_complete;
  for (std::size_t i = 0; i + 1 < passed.size(); ++i) {
    if (names_nobody(passed[i]) || names_nobody(passed[i + 1])) continue;
    auto& next = after_[passed[i]];
    if (std::ranges::count(next, passed[i + 1]) == 0) next.push_back(passed[i + 1]);
  }
  const auto at = places_.find(hop);
  if (at == places_.end()) return;
  for (const Place& place : at->second) bound(place.trace);
}

// Bounds of all stamps that were seen behind hops of the traceroute. A stamp seen in the reply of
// hop i belongs to a later router. One that is missing behind hop j, whose reply passed a router
// that also stands behind the stamp or came to the source, belongs to j or an earlier one.
void SourceAtlas::bound(std::uint32_t trace) {
  const auto& hops = traces_[trace].hops;
  if (bounded_.size() <= trace) bounded_.resize(trace + 1U);
  for (const Ipv4Addr stamp : bounded_[trace]) {
    const auto at = bounds_.find(stamp);
    if (at == bounds_.end()) continue;
    std::erase_if(at->second, [&](const Bounds& it) { return it.trace == trace; });
    if (at->second.empty()) bounds_.erase(at);
  }
  bounded_[trace].clear();
  std::unordered_map<Ipv4Addr, Bounds> found;
  const auto end = static_cast<std::uint16_t>(hops.size());
  for (std::uint16_t i = 0; i < end; ++i) {
    const auto route = routes_.find(hops[i]);
    if (hops[i].is_unspecified() || route == routes_.end()) continue;
    std::uint16_t earliest = i;
    for (const Ipv4Addr stamp : route->second.passed) {
      ++earliest;
      if (names_nobody(stamp) || places_.contains(stamp)) continue;
      Bounds& bounds = found.try_emplace(stamp, Bounds{trace, 0, end, ~SteadyNs{0}}).first->second;
      bounds.first = std::max(bounds.first, earliest);
      bounds.at = std::min(bounds.at, route->second.at);
    }
  }
  for (auto& [stamp, bounds] : found) {
    for (std::uint16_t j = bounds.first; j < end; ++j) {
      const auto route = routes_.find(hops[j]);
      if (hops[j].is_unspecified() || route == routes_.end()) continue;
      const auto& passed = route->second.passed;
      if (std::ranges::count(passed, stamp) != 0) continue;
      const auto behind = after_.find(stamp);
      const bool came_by = behind != after_.end() &&
                           std::ranges::any_of(behind->second, [&, at = &passed](Ipv4Addr next) {
                             return std::ranges::count(*at, next) != 0;
                           });
      if (came_by || route->second.is_complete) {
        bounds.last = std::min(bounds.last, j);
        break;
      }
    }
    bounds.last = std::min<std::uint16_t>(bounds.last, static_cast<std::uint16_t>(end - 1));
    // Bounds that exclude each other: it is on another branch than the traceroute.
    if (bounds.first > bounds.last) continue;
    bounds_[stamp].push_back(bounds);
    bounded_[trace].push_back(stamp);
  }
}

std::optional<Intersection> SourceAtlas::at_place(Ipv4Addr address, SteadyNs oldest) const {
  std::optional<Intersection> best;
  for (const Ipv4Addr alias : aliases_.all_of(address)) {
    const auto at = places_.find(alias);
    if (at == places_.end()) continue;
    for (const auto& [trace, hop] : at->second) {
      const AtlasTrace& it = traces_[trace];
      if (hop < it.valid_from || it.at < oldest) continue;
      keep_better(best, {&it, hop, hop, static_cast<std::uint16_t>(hop + 1), true});
    }
  }
  return best;
}

std::optional<Intersection> SourceAtlas::by_bounds(Ipv4Addr address, SteadyNs oldest) const {
  const auto at = bounds_.find(address);
  if (at == bounds_.end()) return std::nullopt;
  std::optional<Intersection> best;
  for (const auto& [trace, first, last, told_at] : at->second) {
    const AtlasTrace& it = traces_[trace];
    if (first < it.valid_from || it.at < oldest || told_at < oldest) continue;
    const bool is_certain = first == last;
    keep_better(best, {&it, first, last, static_cast<std::uint16_t>(is_certain ? last + 1 : first),
                       is_certain});
  }
  return best;
}

std::optional<Intersection> SourceAtlas::find(Ipv4Addr address, SteadyNs oldest) const {
  if (names_nobody(address)) return std::nullopt;
  if (auto place = at_place(address, oldest)) return place;
  return by_bounds(address, oldest);
}

void SourceAtlas::visit_traces_by(
    Ipv4Addr hop, SteadyNs oldest,
    const std::function<bool(const AtlasTrace& trace, std::size_t place)>& visit) const {
  const auto at = places_.find(hop);
  if (at == places_.end()) return;
  for (const Place& place : at->second) {
    const AtlasTrace& trace = traces_[place.trace];
    if (place.hop >= trace.valid_from && trace.at >= oldest && !visit(trace, place.hop)) return;
  }
}

// Where the router of `address` stands for certain.
std::vector<SourceAtlas::Place> SourceAtlas::places_of(Ipv4Addr address) const {
  std::vector<Place> found;
  for (const Ipv4Addr alias : aliases_.all_of(address)) {
    if (const auto at = places_.find(alias); at != places_.end()) {
      found.insert(found.end(), at->second.begin(), at->second.end());
    }
  }
  if (const auto at = bounds_.find(address); at != bounds_.end()) {
    for (const Bounds& it : at->second) {
      if (it.first == it.last) found.push_back({it.trace, it.first});
    }
  }
  return found;
}

// A path that comes by the place goes to `to`: is that beside the traceroute? Only what is known to
// be another router is.
bool SourceAtlas::leaves(const Place& place, Ipv4Addr to) const {
  const AtlasTrace& trace = traces_[place.trace];
  if (place.hop < trace.valid_from || place.hop + 1U >= trace.hops.size()) return false;
  const auto has_aliases = [&](Ipv4Addr address) { return aliases_.all_of(address).size() > 1; };
  const Ipv4Addr next = trace.hops[place.hop + 1U];
  if (next.is_unspecified() || !has_aliases(next) || !has_aliases(to)) return false;
  return std::none_of(trace.hops.begin() + place.hop + 1, trace.hops.end(),
                      [&](Ipv4Addr hop) { return aliases_.same(hop, to); });
}

bool SourceAtlas::is_contradicted_by(Ipv4Addr from, Ipv4Addr to) const {
  if (names_nobody(from) || names_nobody(to) || aliases_.same(to, source_)) return false;
  const auto after = after_.find(from);
  if (after != after_.end() && std::ranges::count(after->second, to) == 0) return true;
  return std::ranges::any_of(places_of(from), [&](const Place& it) { return leaves(it, to); });
}

std::vector<const AtlasTrace*> SourceAtlas::contradict(Ipv4Addr from, Ipv4Addr to) {
  std::vector<const AtlasTrace*> refuted;
  if (!is_contradicted_by(from, to)) return refuted;
  const auto after = after_.find(from);
  const bool is_other_stamp = after != after_.end() && std::ranges::count(after->second, to) == 0;
  for (const Place& place : places_of(from)) {
    AtlasTrace& trace = traces_[place.trace];
    if (place.hop < trace.valid_from || (!is_other_stamp && !leaves(place, to))) continue;
    // Either the router behind is another one, or it sends on otherwise: what the traceroute says
    // of both is no longer believed.
    trace.valid_from = static_cast<std::uint16_t>(place.hop + 2);
    refuted.push_back(&trace);
  }
  if (is_other_stamp) after->second.push_back(to);
  // What was seen behind it belongs to the way that it no longer takes.
  bounds_.erase(from);
  return refuted;
}

SourceAtlas::Routeless SourceAtlas::hops_without_route(SteadyNs oldest) const {
  Routeless found;
  for (const auto& [hop, places] : places_) {
    const auto route = routes_.find(hop);
    if (route == routes_.end() || route->second.at < oldest) {
      found.hops.push_back(hop);
    } else {
      found.oldest_answer =
          std::min(found.oldest_answer.value_or(route->second.at), route->second.at);
    }
  }
  std::ranges::sort(found.hops);
  return found;
}

std::uint8_t SourceAtlas::ttl_of(VpIndex vp, Ipv4Addr hop) const {
  const auto at = places_.find(hop);
  if (at == places_.end()) return 0;
  for (const auto& [trace, index] : at->second) {
    if (traces_[trace].vp == vp) return static_cast<std::uint8_t>(index + 1);
  }
  return 0;
}

void SourceAtlas::clear() {
  traces_.clear();
  places_.clear();
  bounds_.clear();
  bounded_.clear();
  routes_.clear();
  after_.clear();
}

}  // namespace backsight::controller
