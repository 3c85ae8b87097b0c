#include "sim/topology/internet.h"

#include <algorithm>

#include "sim/topology/building.h"

namespace backsight::sim {
namespace {

// The router at one end of internal link `number`; `is_upper`: the other end than the core's.
RouterId internal_router(const Internet& internet, const As& as, std::uint32_t number,
                         bool is_upper) {
  const auto first = internet.ranges.begin() + as.first_range;
  const auto found =
      std::upper_bound(first, first + as.ranges, number,
                       [](std::uint32_t n, const InternalRange& range) { return n < range.first; });
  if (found == first) return kNone;
  const InternalRange& range = *(found - 1);
  const Group& lower = internet.groups[range.lower];
  const Group& upper = internet.groups[range.upper];
  const std::uint32_t place = number - range.first;
  if (place >= std::uint32_t{lower.width} * upper.width) return kNone;
  return is_upper ? upper.first_router + place % upper.width
                  : lower.first_router + place / upper.width;
}

RouterId router_in_block(const Internet& internet, AsIndex index, std::uint32_t address) {
  const As& as = internet.ases[index];
  const std::uint32_t end = index + 1 < internet.ases.size()
                                ? internet.ases[index + 1].first_router
                                : static_cast<std::uint32_t>(internet.group_of_router.size());
  if (address >= as.loopback_base) {
    const std::uint32_t router = as.first_router + (address - as.loopback_base);
    return router < end ? router : kNone;
  }
  const std::uint32_t side = address & 3;
  if (side == 0 || side == 3) return kNone;
  if (address >= as.external_base) {
    const Link& link = internet.links[hosting_link(internet, index, {address})];
    return internet.groups[side == 1 ? link.here : link.there].first_router;
  }
  return internal_router(internet, as, (address - as.internal_base) / 4, side == 2);
}

}  // namespace

std::uint32_t hosting_link(const Internet& internet, AsIndex as, Ipv4Addr address) noexcept {
  const As& owner = internet.ases[as];
  return internet.hosted[owner.first_hosted + (address.value - owner.external_base) / 4];
}

std::optional<RouterId> router_of(const Internet& internet, Ipv4Addr address) noexcept {
  const Slash24 use = internet.use_of(address);
  RouterId router = kNone;
  if (use.use == Use::kRouters) {
    router = router_in_block(internet, use.owner, address.value);
  } else if (use.use == Use::kExchange) {
    const Exchange& exchange = internet.exchanges[use.owner];
    const std::uint32_t place = address.value - exchange.lan.base.value - 1;
    if (place < exchange.interfaces.size()) {
      router = internet.groups[exchange.interfaces[place]].first_router;
    }
  } else if (use.use == Use::kVantagePoint &&
             address == internet.vantage_points[use.owner].gateway) {
    router = internet.groups[internet.vantage_points[use.owner].group].first_router;
  }
  if (router == kNone) return std::nullopt;
  return router;
}

Expected<Internet> build_internet(const AsGraph& graph, const config::WorldConfig& config) {
  Building building{.graph = graph, .config = config};
  plan_links(building);
  build_routers(building);
  build_adjacencies(building);
  choose_vantage_points(building);
  const auto assigned = assign_addresses(building);
  if (!assigned) return tl::unexpected(assigned.error());
  return std::move(building.internet);
}

}  // namespace backsight::sim
