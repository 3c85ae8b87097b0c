#include "sim/routing/route_tree.h"

#include <algorithm>

namespace backsight::sim {
namespace {

constexpr std::size_t kLongest = 64;

}  // namespace

void RouteTreeBuilder::offer(std::span<Route> routes, std::uint32_t place, Route route) {
  Route& best = routes[place];
  const auto& [as, first, ranks] = core_.member(place);
  if (neighbours_.prefers(as, first, route, best, variant_)) best = route;
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
  // In a circle the order counts, and customers of the destination compare their providers with it.
  if (variant == 0 || core_.has_circles() || sells_) return descend(routes);
  for (Route& route : routes) {
    if (route.from == RouteClass::kNoRoute) route.from = RouteClass::kUnasked;
  }
}

// The neighbours of the destination, whether or not it is in the core itself.
void RouteTreeBuilder::start(AsIndex destination, std::span<Route> routes) {
  const auto neighbours = internet_.neighbours(destination);
  sells_ = false;
  if (const std::uint32_t own = core_.place(destination); own != kNone) {
    routes[own] = {0, 0, RouteClass::kFromCustomer};
  }
  for (std::uint16_t i = 0; i < neighbours.size(); ++i) {
    const Adjacency& it = neighbours[i];
    const std::uint32_t place = core_.place(it.neighbour);
    if (place == kNone) continue;
    const std::uint8_t length = announced_length(internet_, destination, i, seed_, variant_);
    if (length == 0) continue;
    // What the destination is to the neighbour is the other way round.
    const RouteClass from = it.relation == Relation::kProvider ? RouteClass::kFromCustomer
                            : it.relation == Relation::kPeer   ? RouteClass::kFromPeer
                                                               : RouteClass::kFromProvider;
    routes[place] = {it.twin, length, from};
    sells_ = sells_ || from == RouteClass::kFromProvider;
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
    if (routes[place].from <= RouteClass::kFromProvider) ask_providers(routes, place);
  }
}

// Without recursion: who is asked asks its own providers before.
Route RouteTreeBuilder::ask(std::uint32_t place, std::uint32_t variant, std::span<Route> routes) {
  variant_ = variant;
  asking_.assign(1, place);
  while (!asking_.empty()) {
    const std::uint32_t last = asking_.back();
    const auto providers = core_.providers(last);
    const auto unasked =
        std::find_if(providers.begin(), providers.end(), [&](const Core::Edge& provider) {
          return routes[provider.place].from == RouteClass::kUnasked;
        });
    if (unasked != providers.end()) {
      asking_.push_back(unasked->place);
      continue;
    }
    routes[last].from = RouteClass::kNoRoute;
    ask_providers(routes, last);
    asking_.pop_back();
  }
  return routes[place];
}

void RouteTreeBuilder::ask_providers(std::span<Route> routes, std::uint32_t place) const {
  const auto providers = core_.providers(place);
  if (providers.empty()) return;
  const Core::Member& member = core_.member(place);
  const bool anew = providers.size() > 1 && orders_anew(member.as, variant_);
  Route best = routes[place];
  // The lower the better; what has no route is worse than any.
  const auto cost = [&member](std::uint8_t length, std::uint32_t preference) {
    return std::uint64_t{member.ranks ? std::uint8_t{0} : length} << 32 | preference;
  };
  const auto preference_for = [&](std::uint16_t next) {
    return neighbours_.preference_for(member.as, member.first, next, variant_);
  };
  std::uint64_t least = best.from == RouteClass::kNoRoute
                            ? ~std::uint64_t{0}
                            : cost(best.length, preference_for(best.next));
  for (const Core::Edge& provider : providers) {
    const Route& theirs = routes[provider.place];
    if (theirs.from == RouteClass::kNoRoute || theirs.length >= kLongest) continue;
    const auto longer = static_cast<std::uint8_t>(theirs.length + 1);
    const std::uint32_t preference = anew ? preference_for(provider.own) : provider.preference;
    const std::uint64_t theirs_cost = cost(longer, preference);
    if (theirs_cost >= least) continue;
    least = theirs_cost;
    best = {provider.own, longer, RouteClass::kFromProvider};
  }
  routes[place] = best;
}

}  // namespace backsight::sim
