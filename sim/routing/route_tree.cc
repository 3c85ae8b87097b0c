#include "sim/routing/route_tree.h"

#include <algorithm>

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::size_t kFewNeighbours = 16;
constexpr std::uint32_t kReordersOneIn = 24;  // ASes that order anew in an unusual period
constexpr double kPrependers = 0.50;          // of ASes with several providers: to all but one
constexpr std::uint8_t kPrepended = 3;
constexpr double kRankers = 0.22;
constexpr std::size_t kLongest = 64;

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
    for (const Relation relation : {Relation::kProvider, Relation::kPeer}) {
      firsts_.push_back(static_cast<std::uint32_t>(edges_.size()));
      const auto neighbours = internet.neighbours(as);
      for (std::uint16_t own = 0; own < neighbours.size(); ++own) {
        const Adjacency& it = neighbours[own];
        if (it.relation != relation || places_[it.neighbour] == kNone) continue;
        edges_.push_back({places_[it.neighbour], it.twin, own});
      }
    }
  }
  firsts_.push_back(static_cast<std::uint32_t>(edges_.size()));
  sort_downwards();
}

// Depth first, without recursion: a place follows when all its providers have.
void Core::sort_downwards() {
  std::vector<std::size_t> visited(members_.size());  // providers looked at, plus 1
  std::vector<std::uint32_t> stack;
  for (std::uint32_t start = 0; start < members_.size(); ++start) {
    if (visited[start] != 0) continue;
    visited[start] = 1;
    stack.push_back(start);
    while (!stack.empty()) {
      const std::uint32_t place = stack.back();
      const auto above = providers(place);
      if (visited[place] > above.size()) {
        downwards_.push_back(place);
        stack.pop_back();
        continue;
      }
      const std::uint32_t provider = above[visited[place]++ - 1].place;
      if (visited[provider] != 0) continue;
      visited[provider] = 1;
      stack.push_back(provider);
    }
  }
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

std::uint8_t announced_length(const Internet& internet, AsIndex destination,
                              std::uint16_t adjacency, std::uint64_t seed,
                              std::uint32_t variant) noexcept {
  const auto neighbours = internet.neighbours(destination);
  if (neighbours[adjacency].relation != Relation::kProvider) return 1;
  std::uint32_t providers = 0;
  std::uint32_t place = 0;  // among them
  for (std::uint16_t i = 0; i < neighbours.size(); ++i) {
    if (neighbours[i].relation != Relation::kProvider) continue;
    if (i == adjacency) place = providers;
    ++providers;
  }
  if (providers == 1) return 1;
  if (variant != 0 && below(combine(variant, 1), providers) == place) return 0;
  const std::uint64_t draw = combine(seed + 62, destination);
  if (unit(draw) >= kPrependers || below(mix(draw), providers) == place) return 1;
  return 1 + kPrepended;
}

bool ranks_providers(AsIndex as, std::uint64_t seed) noexcept {
  return unit(combine(seed + 63, as)) < kRankers;
}

bool is_better(const Internet& internet, AsIndex as, const Route& offered, const Route& best,
               std::uint64_t seed, std::uint32_t variant) noexcept {
  if (offered.from != best.from) return offered.from > best.from;
  const bool ranks = offered.from == RouteClass::kFromProvider && ranks_providers(as, seed);
  if (!ranks && offered.length != best.length) return offered.length < best.length;
  return preference(internet, as, offered.next, seed, variant) <
         preference(internet, as, best.next, seed, variant);
}

void RouteTreeBuilder::offer(std::span<Route> routes, std::uint32_t place, Route route) {
  Route& best = routes[place];
  if (is_better(internet_, core_.member(place), route, best, seed_, variant_)) best = route;
}

void RouteTreeBuilder::file(ByLength& places, std::uint32_t place, std::uint8_t length) {
  if (length >= kLongest) return;
  if (places.size() <= length) places.resize(length + 1U);
  places[length].push_back(place);
}

void RouteTreeBuilder::build(AsIndex destination, std::uint32_t variant, std::span<Route> routes) {
  std::fill(routes.begin(), routes.end(), Route{});
  variant_ = variant;
  for (auto& places : climbing_) places.clear();
  start(destination, routes);
  climb(routes);
  cross(routes);
  descend(routes);
}

// The neighbours of the destination, whether or not it is in the core itself.
void RouteTreeBuilder::start(AsIndex destination, std::span<Route> routes) {
  const auto neighbours = internet_.neighbours(destination);
  if (const std::uint32_t own = core_.place(destination); own != kNone) {
    routes[own] = {0, 0, RouteClass::kFromCustomer};
  }
  for (std::uint16_t i = 0; i < neighbours.size(); ++i) {
    const Adjacency& it = neighbours[i];
    const std::uint32_t place = core_.place(it.neighbour);
    const std::uint8_t length = announced_length(internet_, destination, i, seed_, variant_);
    if (place == kNone || length == 0) continue;
    // What the destination is to the neighbour is the other way round.
    const RouteClass from = it.relation == Relation::kProvider ? RouteClass::kFromCustomer
                            : it.relation == Relation::kPeer   ? RouteClass::kFromPeer
                                                               : RouteClass::kFromProvider;
    routes[place] = {it.twin, length, from};
    if (from == RouteClass::kFromCustomer) file(climbing_, place, length);
  }
}

// From customers to providers, the shortest first. A place may be filed more than once; it counts
// at the length that its route has, and only there.
void RouteTreeBuilder::climb(std::span<Route> routes) {
  for (std::size_t length = 0; length < climbing_.size(); ++length) {
    for (std::size_t at = 0; at < climbing_[length].size(); ++at) {
      const std::uint32_t place = climbing_[length][at];
      if (routes[place].length != length) continue;
      const auto longer = static_cast<std::uint8_t>(length + 1);
      for (const Core::Edge& provider : core_.providers(place)) {
        const Route before = routes[provider.place];
        offer(routes, provider.place, {provider.back, longer, RouteClass::kFromCustomer});
        const bool is_news = before.from != RouteClass::kFromCustomer || before.length > longer;
        if (is_news) file(climbing_, provider.place, longer);
      }
    }
  }
}

// From those to their peers.
void RouteTreeBuilder::cross(std::span<Route> routes) {
  for (std::size_t length = 0; length < climbing_.size(); ++length) {
    for (const std::uint32_t place : climbing_[length]) {
      if (routes[place].length != length) continue;
      const auto longer = static_cast<std::uint8_t>(length + 1);
      for (const Core::Edge& peer : core_.peers(place)) {
        offer(routes, peer.place, {peer.back, longer, RouteClass::kFromPeer});
      }
    }
  }
}

// Those without a better route ask their providers, which have theirs by then.
void RouteTreeBuilder::descend(std::span<Route> routes) {
  for (const std::uint32_t place : core_.downwards()) {
    if (routes[place].from > RouteClass::kFromProvider) continue;
    for (const Core::Edge& provider : core_.providers(place)) {
      const Route& theirs = routes[provider.place];
      if (theirs.from == RouteClass::kNoRoute || theirs.length >= kLongest) continue;
      const auto longer = static_cast<std::uint8_t>(theirs.length + 1);
      offer(routes, place, {provider.own, longer, RouteClass::kFromProvider});
    }
  }
}

}  // namespace backsight::sim
