#include "sim/routing/stations.h"

#include "probes/assert.h"

namespace backsight::sim {

Stations::Stations(const Internet& internet, const Behaviour& behaviour)
    : stations_(internet.groups.size()), lines_(internet.next_pop.size()) {
  for (GroupId id = 0; id < internet.groups.size(); ++id) {
    const Group& group = internet.groups[id];
    const As& as = internet.ases[group.as];
    const RouterTraits& traits = behaviour.router(group.first_router);
    std::uint8_t depth = 0;
    for (GroupId at = id; internet.groups[at].up != at; at = internet.groups[at].up) ++depth;
    BACKSIGHT_ASSERT(depth <= kDeepest);
    const Balancing balancing = group.width > 1 ? behaviour.balancing(id) : Balancing::kByFlow;
    bool limits_options = false;
    for (RouterId member = 0; member < group.width; ++member) {
      limits_options |= behaviour.router(group.first_router + member).limits_options;
    }
    stations_[id] = {{group.width, balancing, traits.is_hidden, traits.stamps, traits.drops_options,
                      limits_options},
                     group.pop,
                     depth,
                     internet.pop_of(group).city,
                     static_cast<std::uint16_t>(id - group.up),
                     group.first_router,
                     as.internal_base + 4 * group.up_link,
                     group.as};
    BACKSIGHT_ASSERT(above(id) == group.up);
  }
  for (const As& as : internet.ases) prepare_lines(internet, as);
}

void Stations::prepare_lines(const Internet& internet, const As& as) {
  for (std::uint32_t from = 0; from < as.pops; ++from) {
    const std::uint32_t row = as.backbone + from * as.pops;
    for (std::uint32_t to = 0; to < as.pops; ++to) {
      const std::uint8_t pop = internet.next_pop[row + to];
      const Pop& here = internet.pops[as.first_pop + from];
      const Pop& next = internet.pops[as.first_pop + pop];
      lines_[row + to] = {next.core, as.internal_base + 4 * internet.pop_link[row + pop],
                          internet.distances.delay_ns(here.city, next.city), pop, from < pop};
    }
  }
}

}  // namespace backsight::sim
