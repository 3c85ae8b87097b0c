// Routes of all ASes towards one, by the rules of Gao and Rexford: routes from customers before
// those from peers before those from providers, then the shorter AS path, then a fixed preference;
// a route from a peer or provider is told to customers only.
//
// Only ASes that may carry others' traffic, the core, have entries: those with customers, and those
// with many neighbours, for speed. Any other AS picks among the entries of its few neighbours.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/topology/internet.h"

namespace backsight::sim {

enum class RouteClass : std::uint8_t { kNoRoute, kFromProvider, kFromPeer, kFromCustomer };

// One AS's best route. Four bytes: 80,000 destinations times a core of 12,000 are 4 GB.
struct Route {
  std::uint16_t next = 0;   // place among the AS's adjacencies
  std::uint8_t length = 0;  // ASes after this one
  RouteClass from = RouteClass::kNoRoute;

  friend bool operator==(const Route&, const Route&) = default;
};
static_assert(sizeof(Route) == 4);

// The neighbourships within the core, and each AS's preference among its neighbours.
class Core {
 public:
  explicit Core(const Internet& internet);

  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  // Place in the core; kNone: outside.
  [[nodiscard]] std::uint32_t place(AsIndex as) const noexcept { return places_[as]; }
  [[nodiscard]] AsIndex member(std::uint32_t place) const noexcept { return members_[place]; }

  struct Edge {
    std::uint32_t place;  // of the neighbour
    std::uint16_t back;   // our place among the neighbour's adjacencies
    std::uint16_t own;    // its place among ours
  };
  [[nodiscard]] std::span<const Edge> providers(std::uint32_t place) const noexcept {
    return span(place, 0);
  }
  [[nodiscard]] std::span<const Edge> peers(std::uint32_t place) const noexcept {
    return span(place, 1);
  }
  // All places, providers before their customers (as far as they are in no circle).
  [[nodiscard]] std::span<const std::uint32_t> downwards() const noexcept { return downwards_; }

 private:
  void sort_downwards();
  [[nodiscard]] std::span<const Edge> span(std::uint32_t place, std::size_t kind) const noexcept {
    const std::uint32_t* const first = &firsts_[place * 2 + kind];
    return {edges_.data() + first[0], edges_.data() + first[1]};
  }

  std::vector<std::uint32_t> places_;  // of each AS
  std::vector<AsIndex> members_;
  std::vector<std::uint32_t> firsts_;  // of each member: providers, peers
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> downwards_;
};

// An AS's order among neighbours that offer equally good routes; the lowest wins. With `variant`
// not 0, a few ASes order anew.
[[nodiscard]] std::uint32_t preference(const Internet& internet, AsIndex as,
                                       std::uint16_t adjacency, std::uint64_t seed,
                                       std::uint32_t variant) noexcept;

// Traffic engineering at the edge, which makes ways there and back differ:
// how long the destination makes its AS path look to a neighbour (1: no prepending); 0: this
// neighbour is told nothing, as of one of several providers in an unusual period.
[[nodiscard]] std::uint8_t announced_length(const Internet& internet, AsIndex destination,
                                            std::uint16_t adjacency, std::uint64_t seed,
                                            std::uint32_t variant) noexcept;
// True if the AS sends by its preference among providers before it looks at lengths.
[[nodiscard]] bool ranks_providers(AsIndex as, std::uint64_t seed) noexcept;

// Whether an AS takes the offered route instead of the one it has.
[[nodiscard]] bool is_better(const Internet& internet, AsIndex as, const Route& offered,
                             const Route& best, std::uint64_t seed, std::uint32_t variant) noexcept;

// Computes trees, one after the other; keeps its workspace. Thread: one at a time.
class RouteTreeBuilder {
 public:
  RouteTreeBuilder(const Internet& internet, const Core& core, std::uint64_t seed)
      : internet_(internet), core_(core), seed_(seed) {}

  // Fills `routes`, one for each member of the core, towards `destination`.
  void build(AsIndex destination, std::uint32_t variant, std::span<Route> routes);

 private:
  void start(AsIndex destination, std::span<Route> routes);
  void climb(std::span<Route> routes);
  void cross(std::span<Route> routes);
  void descend(std::span<Route> routes);
  void offer(std::span<Route> routes, std::uint32_t place, Route route);
  using ByLength = std::vector<std::vector<std::uint32_t>>;
  static void file(ByLength& places, std::uint32_t place, std::uint8_t length);

  const Internet& internet_;
  const Core& core_;
  std::uint64_t seed_;
  std::uint32_t variant_ = 0;
  ByLength climbing_;  // places with a route from a customer, to tell their providers and peers
};

}  // namespace backsight::sim
