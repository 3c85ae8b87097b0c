#include "sim/routing/neighbours.h"

#include "probes/assert.h"
#include "sim/topology/city.h"

namespace backsight::sim {

Neighbours::Neighbours(const Internet& internet, const Core& core, std::uint64_t seed)
    : internet_(internet),
      seed_(seed),
      homes_(internet.ases.size() + 1),
      records_(internet.adjacencies.size()),
      crossings_(internet.links.size() / 2) {
  for (AsIndex i = 0; i < internet.ases.size(); ++i) {
    homes_[i] = {internet.ases[i].first_adjacency, core.place(i)};
  }
  homes_[internet.ases.size()].first = static_cast<std::uint32_t>(internet.adjacencies.size());
  for (AsIndex i = 0; i < internet.ases.size(); ++i) {
    for (std::uint16_t n = 0; n < internet.ases[i].adjacencies; ++n) record(i, n);
  }
}

void Neighbours::record(AsIndex index, std::uint16_t adjacency) {
  const As& as = internet_.ases[index];
  const Adjacency& it = internet_.neighbours(index)[adjacency];
  Neighbour& record = records_[as.first_adjacency + adjacency];
  constexpr AsIndex kAll = (1U << 27) - 1;  // that a record can name
  BACKSIGHT_ASSERT(it.neighbour <= kAll);
  record.as = it.neighbour & kAll;
  record.relation = it.relation;
  record.is_ranked = ranks_providers(index, seed_);
  record.leaves_by_city =
      it.relation == Relation::kCustomer && honours_metrics(index, it.neighbour, seed_);
  record.preference = preference(internet_, index, adjacency, seed_, 0);
  record.exits = kNone;
  if (it.link_count > 1) choose_exits(as, it, record);
  // The AS that comes first records the links for both.
  if (it.neighbour < index) return;
  Neighbour& twin = records_[internet_.ases[it.neighbour].first_adjacency + it.twin];
  record.side = 0;
  twin.side = 1;
  record.crossing = twin.crossing = crossings_known_;
  for (const Link& link : internet_.links_of(it)) {
    crossings_[crossings_known_++] = {
        {link.here, link.there}, {link.address_here, link.address_there}, link.delay_ns};
  }
}

// The first of the best links, for each place that they may be chosen by.
void Neighbours::choose_exits(const As& as, const Adjacency& adjacency, Neighbour& to) {
  to.exits = static_cast<std::uint32_t>(exits_.size());
  const std::span<const Link> links = internet_.links_of(adjacency);
  const std::size_t choices = to.leaves_by_city ? cities().size() : as.pops;
  for (std::size_t by = 0; by < choices; ++by) {
    const auto cost = [&](const Link& link) {
      if (!to.leaves_by_city) return internet_.igp_distance[as.backbone + by * as.pops + link.pop];
      const CityId city = internet_.pops[as.first_pop + link.pop].city;
      return internet_.distances.delay_ns(city, static_cast<CityId>(by));
    };
    std::uint8_t best = 0;
    for (std::uint8_t i = 1; i < links.size(); ++i) {
      if (cost(links[i]) < cost(links[best])) best = i;
    }
    exits_.push_back(best);
  }
}

std::uint32_t Neighbours::preference_for(AsIndex as, std::uint32_t first, std::uint16_t next,
                                         std::uint32_t variant) const noexcept {
  if (orders_anew(as, variant)) return preference(internet_, as, next, seed_, variant);
  return records_[first + next].preference;
}

bool Neighbours::prefers(AsIndex as, std::uint32_t first, const Route& offered, const Route& best,
                         std::uint32_t variant) const noexcept {
  if (offered.from != best.from) return offered.from > best.from;
  const bool ranks = offered.from == RouteClass::kFromProvider && records_[first].is_ranked;
  if (!ranks && offered.length != best.length) return offered.length < best.length;
  return preference_for(as, first, offered.next, variant) <
         preference_for(as, first, best.next, variant);
}

}  // namespace backsight::sim
