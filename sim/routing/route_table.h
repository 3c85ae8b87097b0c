// The ASes on the way to any destination at any time. Trees are computed when first asked for and
// kept as long as there is room; nothing that it answers depends on what is kept.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/sim/world_config.h"
#include "sim/memory.h"
#include "sim/routing/core.h"
#include "sim/routing/neighbours.h"
#include "sim/routing/policy.h"
#include "sim/routing/route_tree.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// The ASes after the first one, each as its predecessor's neighbour.
struct AsWay {
  static constexpr std::size_t kMost = 96;
  std::array<const Neighbour*, kMost> steps;
  std::size_t count = 0;
};

// Thread: one at a time.
class RouteTable {
 public:
  RouteTable(const Internet& internet, const config::WorldConfig& config);

  // The routes of this period: 0 most of the time, else the number of an unusual state.
  [[nodiscard]] std::uint32_t variant(AsIndex destination, std::uint64_t at_ns) const noexcept;
  // Asks for the memory that find() will read.
  void prepare(AsIndex from, AsIndex destination) const noexcept;
  // The way from AS to AS. False: there is none.
  [[nodiscard]] bool find(AsIndex from, AsIndex destination, std::uint32_t variant, AsWay& way);
  // The first step of it with its class and length, for who checks policies. Nothing: there is no
  // route. REQUIRES: as != destination.
  [[nodiscard]] std::optional<Route> route(AsIndex as, AsIndex destination, std::uint32_t variant);

  [[nodiscard]] const Neighbours& neighbours() const noexcept { return neighbours_; }
  [[nodiscard]] std::size_t core_size() const noexcept { return core_.size(); }

 private:
  struct Key {
    AsIndex destination = kNone;
    std::uint32_t variant = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  // The routes of the core towards a destination.
  struct Tree {
    Key key;
    std::span<Route> routes;
  };
  [[nodiscard]] Tree tree(Key key);
  [[nodiscard]] std::uint32_t build(Key key);
  void prepare_route(AsIndex as, const Route* routes) const noexcept;
  [[nodiscard]] std::span<const Neighbour> some_neighbours(AsIndex as) const noexcept;
  [[nodiscard]] Route route_of(std::uint32_t place, Tree tree);
  [[nodiscard]] Route route_from(AsIndex as, Tree tree);
  [[nodiscard]] Route choose(AsIndex as, Tree tree);

  const Internet& internet_;
  const std::uint64_t seed_;
  const double unusual_;
  const double periods_a_ns_;
  Core core_;
  Neighbours neighbours_;
  RouteTreeBuilder builder_;
  std::size_t slots_;
  ZeroedArray<Route> routes_;                 // slots_ trees; zero is "no route"
  std::vector<Key> owners_;                   // of each slot
  std::uint32_t next_slot_ = 0;               // the oldest goes first
  std::vector<std::uint32_t> usual_;          // slot of each destination's usual tree
  std::vector<std::uint32_t> unusual_slots_;  // by hash; as many as a power of two
};

}  // namespace backsight::sim
