// Next ASes towards any destination at any time. Trees are computed when first asked for and kept
// as long as there is room; nothing that it answers depends on what is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "config/world_config.h"
#include "sim/routing/route_tree.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// Thread: one at a time.
class RouteTable {
 public:
  RouteTable(const Internet& internet, const config::WorldConfig& config);

  // The routes of this period: 0 most of the time, else the number of an unusual state.
  [[nodiscard]] std::uint32_t variant(AsIndex destination, std::uint64_t at_ns) const noexcept;
  // The adjacency over which `as` sends to `destination`; null: it has no route.
  // REQUIRES: as != destination.
  [[nodiscard]] const Adjacency* next(AsIndex as, AsIndex destination, std::uint32_t variant);
  // The same with its class and length, for who checks policies. Nothing: there is no route.
  [[nodiscard]] std::optional<Route> route(AsIndex as, AsIndex destination, std::uint32_t variant);

  [[nodiscard]] std::uint64_t trees_built() const noexcept { return trees_built_; }
  [[nodiscard]] std::size_t core_size() const noexcept { return core_.size(); }

 private:
  struct Key {
    AsIndex destination = kNone;
    std::uint32_t variant = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  [[nodiscard]] const Route* tree(AsIndex destination, std::uint32_t variant);
  [[nodiscard]] std::uint32_t build(Key key);

  const Internet& internet_;
  const std::uint64_t seed_;
  const double unusual_;
  const double periods_a_ns_;
  Core core_;
  RouteTreeBuilder builder_;
  std::size_t slots_;
  struct Freed {
    void operator()(Route* routes) const noexcept;
  };
  std::unique_ptr<Route[], Freed> routes_;    // slots_ trees; pages are touched when first written
  std::vector<Key> owners_;                   // of each slot
  std::uint32_t next_slot_ = 0;               // the oldest goes first
  std::vector<std::uint32_t> usual_;          // slot of each destination's usual tree
  std::vector<std::uint32_t> unusual_slots_;  // by hash; as many as a power of two
  std::uint64_t trees_built_ = 0;
};

}  // namespace backsight::sim
