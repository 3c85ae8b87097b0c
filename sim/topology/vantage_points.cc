// Where vantage points are: as those of M-Lab, mostly with transit providers in large cities.
#include <algorithm>

#include "sim/topology/building.h"

namespace backsight::sim {
namespace {

Size draw_size(Random& random) {
  const double draw = random.unit();
  return draw < 0.20   ? Size::kTier1
         : draw < 0.60 ? Size::kLarge
         : draw < 0.88 ? Size::kSmall
                       : Size::kStub;
}

}  // namespace

void choose_vantage_points(Building& building) {
  Internet& internet = building.internet;
  std::vector<std::vector<AsIndex>> of_size(static_cast<std::size_t>(Size::kContent) + 1);
  for (AsIndex i = 0; i < internet.ases.size(); ++i) {
    of_size[static_cast<std::size_t>(internet.ases[i].size)].push_back(i);
  }
  Random random(combine(building.seed(), 51));
  std::vector<std::pair<AsIndex, std::uint32_t>> taken;
  const std::uint32_t wanted = building.config.topology.vantage_points;
  // No two in one place, as long as there are places.
  for (std::uint32_t tries = 0; internet.vantage_points.size() < wanted; ++tries) {
    const auto& candidates = of_size[static_cast<std::size_t>(draw_size(random))];
    if (candidates.empty()) continue;
    const AsIndex as = candidates[random.below(candidates.size())];
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
