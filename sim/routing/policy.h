// What an AS prefers and what it tells, by the rules of Gao and Rexford: routes from customers
// before those from peers before those from providers, then the shorter AS path, then a fixed
// preference; a route from a peer or provider is told to customers only.
#pragma once

#include <cstdint>

#include "sim/topology/internet.h"

namespace backsight::sim {

enum class RouteClass : std::uint8_t {
  kNoRoute,
  kFromProvider,
  kFromPeer,
  kFromCustomer,
  kUnasked,  // in a route tree: not known before the AS asks its providers
};

// One AS's best route. Four bytes: 80,000 destinations times a core of 12,000 are 4 GB.
struct Route {
  std::uint16_t next = 0;   // place among the AS's adjacencies
  std::uint8_t length = 0;  // ASes after this one
  RouteClass from = RouteClass::kNoRoute;

  friend bool operator==(const Route&, const Route&) = default;
};
static_assert(sizeof(Route) == 4);

// The class of routes that a neighbour tells who is so related to us.
[[nodiscard]] constexpr RouteClass class_of(Relation relation) noexcept {
  return relation == Relation::kProvider ? RouteClass::kFromProvider
         : relation == Relation::kPeer   ? RouteClass::kFromPeer
                                         : RouteClass::kFromCustomer;
}

// True if a neighbour who is so related to us tells us its route of class `theirs`.
[[nodiscard]] constexpr bool is_told(Relation relation, RouteClass theirs) noexcept {
  return relation == Relation::kProvider ? theirs != RouteClass::kNoRoute
                                         : theirs == RouteClass::kFromCustomer;
}

// An AS's order among neighbours that offer equally good routes; the lowest wins. With `variant`
// not 0, a few ASes order anew.
[[nodiscard]] std::uint32_t preference(const Internet& internet, AsIndex as,
                                       std::uint16_t adjacency, std::uint64_t seed,
                                       std::uint32_t variant) noexcept;
[[nodiscard]] bool orders_anew(AsIndex as, std::uint32_t variant) noexcept;

// Traffic engineering at the edge, which makes ways there and back differ:
// how long the destination makes its AS path look to a neighbour (1: no prepending); 0: this
// neighbour is told nothing, as of one of several providers in an unusual period.
[[nodiscard]] std::uint8_t announced_length(const Internet& internet, AsIndex destination,
                                            std::uint16_t adjacency, std::uint64_t seed,
                                            std::uint32_t variant) noexcept;
// True if the AS sends by its preference among providers before it looks at lengths.
[[nodiscard]] bool ranks_providers(AsIndex as, std::uint64_t seed) noexcept;
// True if the AS carries what is for this customer to where the customer wants it (its MEDs).
[[nodiscard]] bool honours_metrics(AsIndex as, AsIndex customer, std::uint64_t seed) noexcept;

}  // namespace backsight::sim
