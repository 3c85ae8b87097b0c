#include "evaluation/truth.h"

#include <algorithm>

namespace backsight::evaluation {

using controller::HopType;
using controller::ReverseHop;
using controller::ReversePath;

Truth::Truth(sim::World& world) : world_(world) {
  world_.for_each_interface(
      [&](sim::RouterId router, probes::Ipv4Addr address) { router_of_[address.value] = router; });
}

void Truth::score(const ReversePath& path, std::uint64_t at_ns, Evaluation& into) {
  const sim::Path truth = world_.path(path.dst, path.src, at_ns);
  if (!truth.exists) return;
  std::set<std::uint32_t> true_ases;
  for (const auto& hop : truth.hops) true_ases.insert(hop.as_number);
  if (const auto own = world_.origin(path.dst)) true_ases.insert(*own);
  if (const auto own = world_.origin(path.src)) true_ases.insert(*own);

  const auto is_on_path = [&](sim::RouterId router) {
    return std::ranges::any_of(truth.hops, [&](const sim::Hop& hop) {
      return hop.router == router || (hop.alternatives > 1 && router >= hop.first_alternative &&
                                      router < hop.first_alternative + hop.alternatives);
    });
  };
  std::set<std::uint32_t> ases;
  std::set<sim::RouterId> shown;
  bool is_measured = true;
  for (const ReverseHop& hop : path.hops) {
    is_measured &= hop.type != HopType::kSymmetryAcrossAses;
    if (hop.address.is_unspecified()) continue;
    if (const auto asn = world_.origin(hop.address)) ases.insert(*asn);
    if (hop.address == path.dst || hop.address == path.src) continue;
    HopScore& score = into.hops[static_cast<int>(hop.type)];
    const auto router = router_of_.find(hop.address.value);
    if (router == router_of_.end()) {
      ++score.unknown;
    } else if (is_on_path(router->second)) {
      ++score.right;
      shown.insert(router->second);
    } else {
      ++score.wrong;
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
  const auto missing =
      std::ranges::count_if(true_ases, [&](std::uint32_t asn) { return !ases.contains(asn); });
  const bool is_wrong =
      std::ranges::any_of(ases, [&](std::uint32_t asn) { return !true_ases.contains(asn); });
  const auto add = [&](AsScore& score) {
    ++score.paths;
    ++(is_wrong       ? score.wrong
       : missing == 0 ? score.complete
       : missing == 1 ? score.missing_one
                      : score.missing_more);
  };
  add(into.all);
  if (!is_measured) return;
  ++into.measured;
  add(into.of_measured);
}

}  // namespace backsight::evaluation
