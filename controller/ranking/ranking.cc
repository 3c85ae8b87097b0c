#include "controller/ranking/ranking.h"

#include <algorithm>
#include <map>
#include <set>
#include <type_traits>

#include "probes/ip/network.h"
#include "probes/ip/special_purpose.h"

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;

constexpr SteadyNs kFresh = 24 * kHour;
// A survey that told nothing is not repeated at once.
constexpr SteadyNs kSurveyAgain = 7 * 24 * kHour;
constexpr std::uint8_t kTooFar = 0xff;
// Beyond it the memory begins anew; a day's measurements fill it again.
constexpr std::size_t kMostDistances = 4 << 20;

// Where the vantage point stands among `entries`, which are by vantage point, or would stand.
auto place_of(auto& entries, VpIndex vp) {
  using Entry = typename std::remove_cvref_t<decltype(entries)>::value_type;
  return std::ranges::lower_bound(entries, vp, {}, &Entry::vp);
}
// Null: it has none.
auto find_in(auto& entries, VpIndex vp) {
  const auto at = place_of(entries, vp);
  return at == entries.end() || at->vp != vp ? nullptr : &*at;
}

// Nearest first; what is not known last.
bool is_nearer(const Candidate& a, const Candidate& b) {
  const auto rank_of = [](const Candidate& it) { return it.distance == 0 ? 0x100U : it.distance; };
  return rank_of(a) != rank_of(b) ? rank_of(a) < rank_of(b) : a.vp < b.vp;
}

}  // namespace

std::uint64_t Ranking::prefix_of(Ipv4Addr target) const {
  const auto origin = prefixes_.find(target);
  const probes::Ipv4Prefix prefix = origin ? origin->prefix : probes::network_prefix_of(target);
  return std::uint64_t{prefix.base.value} << 8 | prefix.length;
}

void Ranking::keep(Ipv4Addr address, const Distance& distance) {
  if (distance_count_ >= kMostDistances) {
    distances_.clear();
    distance_count_ = 0;
  }
  Distances& all = distances_[address];
  const auto at = place_of(all, distance.vp);
  if (at == all.end() || at->vp != distance.vp) {
    all.insert(at, distance);
    ++distance_count_;
    return;
  }
  const bool is_better =
      distance.is_exact || !at->is_exact || distance.at - std::min(distance.at, at->at) > kFresh;
  if (is_better) *at = distance;
}

void Ranking::learn(VpIndex vp, Ipv4Addr target, std::uint8_t used, SteadyNs now) {
  keep(target, {vp, used == 0 ? kTooFar : used, true, now});
}

void Ranking::learn_passed(VpIndex vp, Ipv4Addr router, std::uint8_t slots, SteadyNs now) {
  if (!probes::names_nobody(router)) keep(router, {vp, slots, false, now});
}

void Ranking::learn_survey(VpIndex vp, Ipv4Addr target, std::span<const Ipv4Addr> forward,
                           std::uint8_t used, SteadyNs now) {
  Survey& survey = surveys_[prefix_of(target)];
  auto way = place_of(survey.ways, vp);
  if (way == survey.ways.end() || way->vp != vp) way = survey.ways.insert(way, Way{vp, 0, 0, {}});
  // The part of the way that lies in the target's AS, and the router before.
  const std::uint32_t asn = prefixes_.asn(target);
  auto begin = std::ranges::find_if(
      forward, [&](Ipv4Addr hop) { return asn != 0 && prefixes_.asn(hop) == asn; });
  if (begin != forward.begin()) --begin;
  std::vector<Ipv4Addr> entry(begin, forward.end());
  std::erase_if(entry, probes::names_nobody);
  if (way->targets == 0) {
    way->entry = std::move(entry);
  } else {
    std::erase_if(way->entry, [&](Ipv4Addr hop) { return std::ranges::count(entry, hop) == 0; });
  }
  const unsigned sum = way->used * way->targets + used;
  ++way->targets;
  way->used = static_cast<std::uint8_t>((sum + way->targets / 2) / way->targets);
  survey.again_at = std::max(survey.again_at, now + kSurveyAgain);
  cover(survey);
}

// Greedy set cover: the router by which most of the vantage points come that have no ingress yet.
void Ranking::cover(Survey& survey) const {
  survey.ingress.clear();
  std::map<Ipv4Addr, std::set<VpIndex>> comes_by;
  for (const Way& way : survey.ways) {
    for (const Ipv4Addr hop : way.entry) comes_by[hop].insert(way.vp);
  }
  while (!comes_by.empty()) {
    const auto best = std::max_element(comes_by.begin(), comes_by.end(), [](auto& a, auto& b) {
      return a.second.size() < b.second.size();
    });
    if (best->second.empty()) break;
    const auto [router, covered] = *best;
    for (const VpIndex vp : covered) survey.ingress[vp] = router;
    comes_by.erase(router);
    for (auto& [other, vps] : comes_by) {
      for (const VpIndex vp : covered) vps.erase(vp);
    }
  }
}

bool Ranking::wants_survey(Ipv4Addr target, SteadyNs now) const {
  const auto at = surveys_.find(prefix_of(target));
  return at == surveys_.end() || (!at->second.is_under_way && now > at->second.again_at);
}

void Ranking::begin_survey(Ipv4Addr target, SteadyNs now) {
  Survey& survey = surveys_[prefix_of(target)];
  survey.again_at = now + kSurveyAgain;
  survey.is_under_way = true;
  survey.ways.clear();
  survey.ingress.clear();
}

void Ranking::end_survey(Ipv4Addr target) { surveys_[prefix_of(target)].is_under_way = false; }

void Ranking::want_survey_at(Ipv4Addr target, SteadyNs at) {
  surveys_[prefix_of(target)].again_at = at;
}

bool Ranking::is_surveying(Ipv4Addr target) const {
  const auto at = surveys_.find(prefix_of(target));
  return at != surveys_.end() && at->second.is_under_way;
}

Ranking::About Ranking::about(Ipv4Addr target) const {
  About about;
  if (const auto at = surveys_.find(prefix_of(target)); at != surveys_.end()) {
    about.survey = &at->second;
  }
  const auto add = [&](Ipv4Addr address) {
    const auto at = distances_.find(address);
    if (at != distances_.end()) about.distances.push_back(&at->second);
  };
  add(target);
  for (const Ipv4Addr alias : aliases_.all_of(target)) {
    if (alias != target) add(alias);
  }
  return about;
}

Candidate Ranking::look_up(VpIndex vp, const About& about, SteadyNs now) {
  Candidate candidate{vp, {}, 0, false};
  if (about.survey != nullptr) {
    const auto ingress = about.survey->ingress.find(vp);
    if (ingress != about.survey->ingress.end()) candidate.ingress = ingress->second;
    if (const Way* const way = find_in(about.survey->ways, vp)) candidate.distance = way->used;
  }
  for (const Distances* const distances : about.distances) {
    const Distance* const known = find_in(*distances, vp);
    if (known == nullptr || now - std::min(now, known->at) > kFresh) continue;
    candidate.distance = known->used;
    candidate.is_exact = known->is_exact;
    if (candidate.is_exact) break;
  }
  return candidate;
}

Candidate Ranking::look_up(VpIndex vp, Ipv4Addr target, SteadyNs now) const {
  return look_up(vp, about(target), now);
}

std::vector<Candidate> Ranking::rank(Ipv4Addr target, std::span<const VpIndex> vps,
                                     SteadyNs now) const {
  std::map<Ipv4Addr, std::vector<Candidate>> by_ingress;
  std::vector<Candidate> doubtful;
  std::vector<Candidate> unknown;
  std::size_t far = 0;
  const About known = about(target);
  for (const VpIndex vp : vps) {
    const Candidate candidate = look_up(vp, known, now);
    if (candidate.distance == 0) {
      unknown.push_back(candidate);
    } else if (candidate.distance <= kMostSlotsUsed) {
      // Those that nothing tells the ingress of stand for themselves.
      const Ipv4Addr ingress =
          candidate.ingress.is_unspecified() ? Ipv4Addr{vp} : candidate.ingress;
      by_ingress[ingress].push_back(candidate);
    } else if (!candidate.is_exact) {
      doubtful.push_back(candidate);
    } else {
      ++far;
    }
  }
  std::vector<std::vector<Candidate>> groups;
  for (auto& [ingress, members] : by_ingress) {
    std::ranges::sort(members, is_nearer);
    groups.push_back(std::move(members));
  }
  std::ranges::sort(groups, [](const auto& a, const auto& b) { return is_nearer(a[0], b[0]); });
  std::vector<Candidate> ranked;
  const std::size_t near = vps.size() - doubtful.size() - unknown.size() - far;
  for (std::size_t turn = 0; ranked.size() < near; ++turn) {
    for (const auto& group : groups) {
      if (turn < group.size()) ranked.push_back(group[turn]);
    }
  }
  std::ranges::sort(doubtful, is_nearer);
  ranked.insert(ranked.end(), doubtful.begin(), doubtful.end());
  ranked.insert(ranked.end(), unknown.begin(), unknown.end());
  return ranked;
}

}  // namespace backsight::controller
