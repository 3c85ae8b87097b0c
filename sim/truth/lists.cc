// What a user of the simulation may know of it: paths, hosts, prefixes, aliases.
#include <algorithm>

#include "config/lists/deny_list.h"
#include "sim/draw.h"
#include "sim/world.h"

namespace backsight::sim {

Path World::path(Ipv4Addr from, Ipv4Addr to, std::uint64_t at_ns, FlowKey flow) {
  const Endpoint start = endpoint(from);
  const Endpoint end = endpoint(to);
  Path path;
  if (start.group == kNone || end.group == kNone) return path;
  Trip trip;
  trip.path = paths_.find(start.group, end.target(), at_ns);
  trip.flow = flow;
  trip.draw = flow.ports;
  trip.host_in = (from.value & 0xffffff00U) | 1U;
  trip.host_out = (to.value & 0xffffff00U) | 1U;
  trip.starts_at_router = start.kind == Endpoint::Kind::kRouter;
  trip.ends_at_router = end.kind == Endpoint::Kind::kRouter;
  trip.first_member = start.member;
  trip.last_member = end.member;
  path.exists = !trip.path.stages.empty();
  std::uint8_t before = 0;
  for (std::size_t i = 0; i < trip.path.stages.size(); ++i) {
    const Stage& stage = trip.path.stages[i];
    const std::uint8_t member = member_at(trip, i);
    const std::uint8_t after =
        i + 1 < trip.path.stages.size() ? member_at(trip, i + 1) : std::uint8_t{0};
    const Place place = place_on(trip, i, before, member, after);
    const RouterTraits& traits = behaviour_.router(place.router);
    const AsIndex as = internet_.groups[stage.group].as;
    const bool is_end = (i == 0 && trip.starts_at_router) ||
                        (i + 1 == trip.path.stages.size() && trip.ends_at_router);
    Hop hop{};
    hop.router = place.router;
    hop.as = as;
    hop.as_number = internet_.ases[as].number;
    hop.in = {i == 0 && trip.starts_at_router ? from.value : place.in};
    hop.out = {i + 1 == trip.path.stages.size() && trip.ends_at_router ? to.value : place.out};
    hop.loopback = {shown_address(internet_, place, Shown::kLoopback)};
    hop.stamps = {is_end ? 0 : shown_address(internet_, place, traits.stamps)};
    hop.shows = {is_end || stage.is_hidden ? 0
                                           : shown_address(internet_, place, traits.expires_as)};
    hop.is_hidden = stage.is_hidden;
    hop.drops_options = traits.drops_options;
    hop.first_alternative = is_end ? place.router : stage.first_router;
    hop.alternatives = is_end ? std::uint8_t{1} : stage.width;
    hop.delay_ns = path.delay_ns;
    path.hops.push_back(hop);
    path.delay_ns += stage.delay_ns;
    before = member;
  }
  return path;
}

FlowKey World::flow_of(std::span<const std::byte> bytes) noexcept {
  Packet packet;
  if (packet.read(bytes) != Malformed::kWellFormed) return {};
  return packet.flow();
}

std::optional<std::uint32_t> World::origin(Ipv4Addr address) const noexcept {
  const Slash24 use = internet_.use_of(address);
  if (use.use == Use::kNothing || use.use == Use::kExchange) return std::nullopt;
  const AsIndex as =
      use.use == Use::kVantagePoint ? internet_.vantage_points[use.owner].as : use.owner;
  return internet_.ases[as].number;
}

void World::for_each_host(const std::function<bool(Ipv4Addr, const HostTraits&)>& visit) const {
  for (std::uint32_t i = 0; i < internet_.slash24.size(); ++i) {
    if (internet_.slash24[i].use != Use::kHosts) continue;
    for (std::uint32_t last = 2; last < 255; ++last) {
      const Ipv4Addr address{((internet_.first_slash24 + i) << 8) + last};
      const HostTraits traits = behaviour_.host(address);
      if (traits.exists && !visit(address, traits)) return;
    }
  }
}

std::optional<Ipv4Addr> World::draw_host(
    std::uint64_t draw, const std::function<bool(const HostTraits&)>& wants) const {
  constexpr int kTries = 20'000;
  Random random(combine(config_.seed + 81, draw));
  for (int i = 0; i < kTries; ++i) {
    // By announced prefix, so that large networks count no more than their prefixes do.
    const Prefix& prefix = internet_.prefixes[random.below(internet_.prefixes.size())];
    const std::uint64_t size = std::uint64_t{1} << (32 - prefix.prefix.length);
    const Ipv4Addr address{prefix.prefix.base.value + random.below(size)};
    if (internet_.use_of(address).use != Use::kHosts) continue;
    const HostTraits traits = behaviour_.host(address);
    if (traits.exists && wants(traits)) return address;
  }
  return std::nullopt;
}

void World::for_each_exchange_member(
    const std::function<void(Ipv4Addr, std::uint32_t)>& visit) const {
  for (const Exchange& exchange : internet_.exchanges) {
    std::uint32_t address = exchange.lan.base.value;
    for (const GroupId group : exchange.interfaces) {
      visit({++address}, internet_.ases[internet_.groups[group].as].number);
    }
  }
}

void World::for_each_interface(const std::function<void(RouterId, Ipv4Addr)>& visit) const {
  const config::PrefixSet special{config::bogons()};
  std::vector<std::pair<RouterId, std::uint32_t>> interfaces;
  for (const As& as : internet_.ases) {
    if (special.contains({as.internal_base})) continue;  // others have the same addresses
    for (std::uint32_t i = 0; i < as.ranges; ++i) {
      const InternalRange& range = internet_.ranges[as.first_range + i];
      const Group& lower = internet_.groups[range.lower];
      const Group& upper = internet_.groups[range.upper];
      for (std::uint32_t n = 0; n < std::uint32_t{lower.width} * upper.width; ++n) {
        const std::uint32_t base = as.internal_base + 4 * (range.first + n);
        interfaces.emplace_back(lower.first_router + n / upper.width, base + 1);
        interfaces.emplace_back(upper.first_router + n % upper.width, base + 2);
      }
    }
  }
  for (RouterId id = 0; id < internet_.group_of_router.size(); ++id) {
    const As& as = internet_.ases[internet_.groups[internet_.group_of_router[id]].as];
    interfaces.emplace_back(id, as.loopback_base + (id - as.first_router));
  }
  for (const Link& link : internet_.links) {
    interfaces.emplace_back(internet_.groups[link.here].first_router, link.address_here);
  }
  for (std::uint32_t i = 0; i < internet_.slash24.size(); ++i) {
    const Slash24 use = internet_.slash24[i];
    const std::uint32_t gateway = ((internet_.first_slash24 + i) << 8) + 1;
    if (use.use != Use::kHosts && use.use != Use::kVantagePoint) continue;
    interfaces.emplace_back(endpoint({gateway}).router, gateway);
  }
  std::sort(interfaces.begin(), interfaces.end());
  interfaces.erase(std::unique(interfaces.begin(), interfaces.end()), interfaces.end());
  for (const auto& [router, address] : interfaces) visit(router, {address});
}

}  // namespace backsight::sim
