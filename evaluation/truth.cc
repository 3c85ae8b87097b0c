#include "evaluation/truth.h"

#include <algorithm>
#include <utility>

namespace backsight::evaluation {

using controller::HopType;
using controller::ReverseHop;
using controller::ReversePath;

Truth::Truth(sim::World& world, const controller::PrefixTable& prefixes)
    : world_(world), prefixes_(prefixes) {
  world_.for_each_interface(
      [&](sim::RouterId router, probes::Ipv4Addr address) { router_of_[address.value] = router; });
}

void Truth::score(const ReversePath& path, std::uint64_t at_ns, Evaluation& into) {
  const sim::Path truth = world_.path(path.dst, path.src, at_ns);
  if (!truth.exists) return;
  // What a traceroute from the destination would show, its addresses looked up as ours are: so do
  // the published figures compare. And the ASes that the path really is in.
  std::set<std::uint32_t> traced_ases, true_ases;
  const auto add_origin = [&](probes::Ipv4Addr address) {
    if (address.is_unspecified()) return;
    if (const auto asn = prefixes_.asn(address)) traced_ases.insert(asn);
  };
  for (const auto& hop : truth.hops) {
    true_ases.insert(hop.as_number);
    if (!hop.is_hidden) add_origin(hop.shows);
  }
  for (const auto end : {path.dst, path.src}) {
    add_origin(end);
    if (const auto own = prefixes_.asn(end)) true_ases.insert(own);
  }

  const auto is_on_path = [&](sim::RouterId router) {
    return std::ranges::any_of(truth.hops, [&](const sim::Hop& hop) {
      return hop.router == router || (hop.alternatives > 1 && router >= hop.first_alternative &&
                                      router < hop.first_alternative + hop.alternatives);
    });
  };
  std::set<std::uint32_t> ases;
  std::set<sim::RouterId> shown;
  PathScore& mine = into.each.emplace_back();
  mine.request = path.id;
  for (const ReverseHop& hop : path.hops) {
    mine.is_measured &= hop.type != HopType::kSymmetryAcrossAses;
    if (hop.address.is_unspecified()) continue;
    if (const auto asn = prefixes_.asn(hop.address)) ases.insert(asn);
    if (hop.address == path.dst || hop.address == path.src) continue;
    HopScore& score = into.hops[static_cast<int>(hop.type)];
    const auto router = router_of_.find(hop.address.value);
    if (router == router_of_.end()) {
      ++score.unknown;
    } else if (is_on_path(router->second)) {
      ++score.right;
      ++mine.right;
      shown.insert(router->second);
    } else {
      ++score.wrong;
      ++mine.wrong;
    }
  }
  for (const auto& hop : truth.hops) {
    if (hop.is_hidden) continue;
    ++into.routers;
    const auto first = hop.alternatives > 1 ? hop.first_alternative : hop.router;
    const auto last =
        hop.alternatives > 1 ? hop.first_alternative + hop.alternatives : hop.router + 1;
    into.routers_found += std::ranges::any_of(
        shown, [&](sim::RouterId it) { return it == hop.router || (it >= first && it < last); });
  }
  using Ases = PathScore::Ases;
  const auto judge = [&](const std::set<std::uint32_t>& wanted, AsScore& score) {
    const bool is_wrong = std::ranges::any_of(
        ases, [&](auto asn) { return !true_ases.contains(asn) && !traced_ases.contains(asn); });
    const auto missing =
        std::ranges::count_if(wanted, [&](std::uint32_t asn) { return !ases.contains(asn); });
    const auto [verdict, count] = is_wrong       ? std::pair(Ases::kWrong, &AsScore::wrong)
                                  : missing == 0 ? std::pair(Ases::kComplete, &AsScore::complete)
                                  : missing == 1
                                      ? std::pair(Ases::kMissingOne, &AsScore::missing_one)
                                      : std::pair(Ases::kMissingMore, &AsScore::missing_more);
    ++score.paths;
    ++(score.*count);
    return verdict;
  };
  mine.ases = judge(traced_ases, into.all);
  if (!mine.is_measured) return;
  ++into.measured;
  judge(traced_ases, into.of_measured);
  judge(true_ases, into.of_measured_strict);
}

}  // namespace backsight::evaluation
