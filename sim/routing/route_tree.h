// Routes of all ASes of the core towards one destination.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/routing/core.h"
#include "sim/routing/neighbours.h"
#include "sim/routing/policy.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// Computes trees, one after the other; keeps its workspace. Thread: one at a time.
class RouteTreeBuilder {
 public:
  RouteTreeBuilder(const Internet& internet, const Core& core, const Neighbours& neighbours,
                   std::uint64_t seed)
      : internet_(internet), core_(core), neighbours_(neighbours), seed_(seed) {}

  // Fills `routes`, one for each member of the core, towards `destination`. In unusual states,
  // which few packets meet, those who have to ask their providers are mostly left unasked.
  void build(AsIndex destination, std::uint32_t variant, std::span<Route> routes);
  // The route of one that is unasked, there and in `routes`.
  Route ask(std::uint32_t place, std::uint32_t variant, std::span<Route> routes);

 private:
  void start(AsIndex destination, std::span<Route> routes);
  void climb(std::span<Route> routes);
  void cross(std::span<Route> routes);
  void descend(std::span<Route> routes);
  void ask_providers(std::span<Route> routes, std::uint32_t place) const;
  void offer(std::span<Route> routes, std::uint32_t place, Route route);
  using ByLength = std::vector<std::vector<std::uint32_t>>;
  static void file(ByLength& places, std::uint32_t place, std::uint8_t length);

  const Internet& internet_;
  const Core& core_;
  const Neighbours& neighbours_;
  std::uint64_t seed_;
  std::uint32_t variant_ = 0;
  bool sells_ = false;  // the destination, to members of the core
  std::vector<std::uint32_t> asking_;
  ByLength climbing_;  // places with a route from a customer, to tell their providers and peers
};

}  // namespace backsight::sim
