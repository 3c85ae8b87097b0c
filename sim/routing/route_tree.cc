#include "sim/routing/route_tree.h"

#include <algorithm>

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::size_t kFewNeighbours = 16;
constexpr std::uint32_t kReordersOneIn = 24;  // ASes that order anew in an unusual period
constexpr std::uint8_t kLongest = 60;

}  // namespace

Core::Core(const Internet& internet) {
  places_.assign(internet.ases.size(), kNone);
  for (AsIndex as = 0; as < internet.ases.size(); ++as) {
    const auto neighbours = internet.neighbours(as);
    const bool sells = std::any_of(neighbours.begin(), neighbours.end(), [](const Adjacency& it) {
      return it.relation == Relation::kCustomer;
    });
    if (!sells && neighbours.size() <= kFewNeighbours) continue;
    places_[as] = static_cast<std::uint32_t>(members_.size());
    members_.push_back(as);
  }
  for (const AsIndex as : members_) {
    for (const Relation relation : {Relation::kProvider, Relation::kPeer, Relation::kCustomer}) {
      firsts_.push_back(static_cast<std::uint32_t>(edges_.size()));
      for (const Adjacency& it : internet.neighbours(as)) {
        if (it.relation != relation || places_[it.neighbour] == kNone) continue;
        edges_.push_back({places_[it.neighbour], it.twin});
      }
    }
  }
  firsts_.push_back(static_cast<std::uint32_t>(edges_.size()));
}

std::uint32_t preference(const Internet& internet, AsIndex as, std::uint16_t adjacency,
                         std::uint64_t seed, std::uint32_t variant) noexcept {
  const AsIndex neighbour = internet.neighbours(as)[adjacency].neighbour;
  std::uint64_t draw = combine(seed + 61, std::uint64_t{as} << 32 | neighbour);
  if (variant != 0 && below(combine(variant, as), kReordersOneIn) == 0) {
    draw = combine(draw, variant);
  }
  return static_cast<std::uint32_t>(draw >> 32);
}

void RouteTreeBuilder::offer(std::span<Route> routes, std::uint32_t place, Route route) {
  Route& best = routes[place];
  if (route.from != best.from) {
    if (route.from > best.from) best = route;
    return;
  }
  if (route.length != best.length) {
    if (route.length < best.length) best = route;
    return;
  }
  const AsIndex as = core_.member(place);
  if (preference(internet_, as, route.next, seed_, variant_) <
      preference(internet_, as, best.next, seed_, variant_)) {
    best = route;
  }
}

void RouteTreeBuilder::file(std::uint32_t place, std::uint8_t length) {
  if (by_length_.size() <= length) by_length_.resize(length + 1U);
  by_length_[length].push_back(place);
}

void RouteTreeBuilder::build(AsIndex destination, std::uint32_t variant, std::span<Route> routes) {
  std::fill(routes.begin(), routes.end(), Route{});
  variant_ = variant;
  reached_.clear();
  for (auto& places : by_length_) places.clear();
  start(destination, routes);
  climb(routes);
  cross(routes);
  descend(routes);
}

// The neighbours of the destination, whether or not it is in the core itself.
void RouteTreeBuilder::start(AsIndex destination, std::span<Route> routes) {
  const auto neighbours = internet_.neighbours(destination);
  const auto providers =
      std::count_if(neighbours.begin(), neighbours.end(),
                    [](const Adjacency& it) { return it.relation == Relation::kProvider; });
  auto without = variant_ != 0 && providers > 1
                     ? static_cast<std::ptrdiff_t>(
                           below(combine(variant_, 1), static_cast<std::uint32_t>(providers)))
                     : std::ptrdiff_t{-1};
  const std::uint32_t own = core_.place(destination);
  if (own != kNone) routes[own] = {0, 0, RouteClass::kFromCustomer};
  for (const Adjacency& it : neighbours) {
    if (it.relation == Relation::kProvider && without-- == 0) continue;
    const std::uint32_t place = core_.place(it.neighbour);
    if (place == kNone) continue;
    if (it.relation == Relation::kProvider) {
      routes[place] = {it.twin, 1, RouteClass::kFromCustomer};
      reached_.push_back(place);
    } else if (it.relation == Relation::kPeer) {
      offer(routes, place, {it.twin, 1, RouteClass::kFromPeer});
    } else {
      offer(routes, place, {it.twin, 1, RouteClass::kFromProvider});
    }
  }
  // Those with one hop by any other way than a customer's are told on below.
  for (const Adjacency& it : neighbours) {
    const std::uint32_t place = core_.place(it.neighbour);
    if (place != kNone && it.relation != Relation::kProvider) file(place, 1);
  }
}

// From customers to providers, level by level.
void RouteTreeBuilder::climb(std::span<Route> routes) {
  for (std::size_t at = 0; at < reached_.size(); ++at) {
    const std::uint32_t place = reached_[at];
    const auto length = static_cast<std::uint8_t>(routes[place].length + 1);
    file(place, routes[place].length);
    for (const Core::Edge& provider : core_.providers(place)) {
      const bool is_new = routes[provider.place].from != RouteClass::kFromCustomer;
      offer(routes, provider.place, {provider.back, length, RouteClass::kFromCustomer});
      if (is_new) reached_.push_back(provider.place);
    }
  }
}

// From those to their peers.
void RouteTreeBuilder::cross(std::span<Route> routes) {
  for (const std::uint32_t place : reached_) {
    const auto length = static_cast<std::uint8_t>(routes[place].length + 1);
    for (const Core::Edge& peer : core_.peers(place)) {
      const Route before = routes[peer.place];
      offer(routes, peer.place, {peer.back, length, RouteClass::kFromPeer});
      const Route& now = routes[peer.place];
      if (now.from == RouteClass::kFromPeer && now.length != before.length)
        file(peer.place, length);
    }
  }
}

// From all to their customers, the shortest first. A place may be filed twice; it counts once, at
// the length its route has.
void RouteTreeBuilder::descend(std::span<Route> routes) {
  for (std::size_t length = 0; length < by_length_.size() && length < kLongest; ++length) {
    for (std::size_t at = 0; at < by_length_[length].size(); ++at) {
      const std::uint32_t place = by_length_[length][at];
      if (routes[place].length != length) continue;
      const auto longer = static_cast<std::uint8_t>(length + 1);
      for (const Core::Edge& customer : core_.customers(place)) {
        const Route before = routes[customer.place];
        offer(routes, customer.place, {customer.back, longer, RouteClass::kFromProvider});
        const Route& now = routes[customer.place];
        if (now.from == RouteClass::kFromProvider && before != now &&
            (before.from != now.from || before.length != now.length)) {
          file(customer.place, longer);
        }
      }
    }
  }
}

}  // namespace backsight::sim
