// Where vantage points are: as those of M-Lab, mostly with transit providers in large cities.
#include <algorithm>

#include "sim/topology/building.h"

namespace backsight::sim {
namespace {

// The ASes that house vantage points, by size: a fleet is at home in few, at many places of each.
struct Share {
  Size size;
  std::size_t ases;
};
constexpr Share kHousing[] = {
    {Size::kTier1, 1}, {Size::kLarge, 3}, {Size::kSmall, 7}, {Size::kStub, 8}};

}  // namespace

void choose_vantage_points(Building& building) {
  Internet& internet = building.internet;
  std::vector<std::vector<AsIndex>> of_size(static_cast<std::size_t>(Size::kContent) + 1);
  for (AsIndex i = 0; i < internet.ases.size(); ++i) {
    of_size[static_cast<std::size_t>(internet.ases[i].size)].push_back(i);
  }
  Random random(combine(building.seed(), 53));
  std::vector<AsIndex> hosts;
  for (const Share& share : kHousing) {
    auto& candidates = of_size[static_cast<std::size_t>(share.size)];
    if (candidates.empty()) continue;
    // One from each part of the order by neighbours, so that no fleet is with the largest alone.
    std::sort(candidates.begin(), candidates.end(), [&](AsIndex a, AsIndex b) {
      return std::pair(internet.ases[a].adjacencies, a) <
             std::pair(internet.ases[b].adjacencies, b);
    });
    for (std::size_t i = 0; i < share.ases; ++i) {
      const double at = (static_cast<double>(i) + random.unit()) / static_cast<double>(share.ases);
      hosts.push_back(
          candidates[static_cast<std::size_t>(at * static_cast<double>(candidates.size()))]);
    }
  }
  std::vector<std::pair<AsIndex, std::uint32_t>> taken;
  const std::uint32_t wanted = building.config.topology.vantage_points;
  // No two in one place, as long as there are places.
  for (std::uint32_t tries = 0; internet.vantage_points.size() < wanted; ++tries) {
    const AsIndex as = hosts[random.below(hosts.size())];
    const std::uint32_t pop_index = random.below(internet.ases[as].pops);
    if (tries < 20 * wanted &&
        std::find(taken.begin(), taken.end(), std::pair(as, pop_index)) != taken.end()) {
      continue;
    }
    taken.emplace_back(as, pop_index);
    const Pop& pop = internet.pops[internet.ases[as].first_pop + pop_index];
    internet.vantage_points.push_back(
        {{}, {}, 0, pop.accesses == 0 ? pop.core : pop.first_access, as, pop.city});
  }
}

}  // namespace backsight::sim
