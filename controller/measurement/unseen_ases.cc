#include "controller/measurement/unseen_ases.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;

// More traceroutes are not looked at.
constexpr std::size_t kMostTraces = 512;

// A traceroute up to the meeting, and the AS of each hop.
struct Way {
  std::span<const Ipv4Addr> hops;
  std::vector<std::uint32_t> asns;
  std::uint64_t trace = 0;
};

std::vector<Way> ways_to(Ipv4Addr meeting, const SourceAtlas& atlas, SteadyNs oldest,
                         const PrefixTable& prefixes) {
  std::vector<Way> ways;
  atlas.visit_traces_by(meeting, oldest, [&](const AtlasTrace& trace, std::size_t hop) {
    Way way{std::span(trace.hops).first(hop + 1), {}, trace.id};
    way.asns.reserve(way.hops.size());
    for (const Ipv4Addr it : way.hops) way.asns.push_back(prefixes.asn(it));
    ways.push_back(std::move(way));
    return ways.size() < kMostTraces;
  });
  return ways;
}

// Behind the last hop in the AS; 0: there is none.
std::size_t behind(const Way& way, std::uint32_t asn) {
  const auto last = std::find(way.asns.rbegin(), way.asns.rend(), asn);
  return static_cast<std::size_t>(way.asns.rend() - last);
}

// The hops from `begin` on before the first in the AS, or all if there is none.
std::span<const Ipv4Addr> up_to(const Way& way, std::size_t begin, std::uint32_t asn) {
  const auto from = way.asns.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto end = std::find(from, way.asns.end(), asn);
  return way.hops.subspan(begin, static_cast<std::size_t>(end - from));
}

// What all traceroutes that pass the first AS show between it and the second.
UnseenHops common(const std::vector<Way>& ways, std::uint32_t from, std::uint32_t to) {
  UnseenHops found;
  bool is_first = true;
  for (const Way& way : ways) {
    const std::size_t begin = behind(way, from);
    if (begin == 0) continue;
    const auto hops = up_to(way, begin, to);
    if (std::exchange(is_first, false)) {
      found.trace = way.trace;
      found.hops.assign(hops.begin(), hops.end());
    }
    std::erase_if(found.hops, [&](Ipv4Addr hop) { return std::ranges::count(hops, hop) == 0; });
    if (found.hops.empty()) break;
  }
  return found;
}

}  // namespace

std::vector<UnseenHops> unseen_ases(std::span<const ReverseHop> hops, const Intersection& met,
                                    const SourceAtlas& atlas, SteadyNs oldest,
                                    const PrefixTable& prefixes) {
  std::vector<std::uint32_t> asns;
  for (const ReverseHop& hop : hops) asns.push_back(prefixes.asn(hop.address));
  std::vector<std::uint32_t> shown = asns;
  for (const Ipv4Addr hop : std::span(met.trace->hops).subspan(met.next)) {
    shown.push_back(prefixes.asn(hop));
  }
  std::vector<UnseenHops> all;
  std::vector<Way> ways;
  std::uint32_t from = 0;
  for (std::size_t i = 0; i < asns.size(); ++i) {
    if (asns[i] == 0) continue;
    if (from != 0 && asns[i] != from) {
      if (ways.empty()) ways = ways_to(met.trace->hops[met.last], atlas, oldest, prefixes);
      if (ways.empty()) break;
      UnseenHops found = common(ways, from, asns[i]);
      std::erase_if(found.hops, [&](Ipv4Addr hop) {
        const std::uint32_t asn = prefixes.asn(hop);
        return asn == 0 || std::ranges::count(shown, asn) != 0;
      });
      for (const Ipv4Addr hop : found.hops) shown.push_back(prefixes.asn(hop));
      found.before = i;
      if (!found.hops.empty()) all.push_back(std::move(found));
    }
    from = asns[i];
  }
  return all;
}

}  // namespace backsight::controller
