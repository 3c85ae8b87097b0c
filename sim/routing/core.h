// The ASes that may carry others' traffic, the core: those with customers, and those with many
// neighbours, for speed. They alone have entries in route trees; any other AS picks among the
// entries of its few neighbours.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/topology/internet.h"

namespace backsight::sim {

// Thread: immutable after construction.
class Core {
 public:
  Core(const Internet& internet, std::uint64_t seed);

  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  // Place in the core; kNone: outside.
  [[nodiscard]] std::uint32_t place(AsIndex as) const noexcept { return places_[as]; }
  struct Member {
    AsIndex as;
    std::uint32_t first;  // of its adjacencies
    bool ranks;           // its providers, before it looks at lengths
  };
  [[nodiscard]] const Member& member(std::uint32_t place) const noexcept { return members_[place]; }

  struct Edge {
    std::uint32_t place;       // of the neighbour
    std::uint32_t preference;  // ours for it, in usual periods
    std::uint16_t back;        // our place among the neighbour's adjacencies
    std::uint16_t own;         // its place among ours
  };
  [[nodiscard]] std::span<const Edge> providers(std::uint32_t place) const noexcept {
    return span(place, 0);
  }
  [[nodiscard]] std::span<const Edge> peers(std::uint32_t place) const noexcept {
    return span(place, 1);
  }
  // True if an AS is its own provider's provider, by whatever way.
  [[nodiscard]] bool has_circles() const noexcept { return has_circles_; }
  // All places, providers before their customers (as far as they are in no circle).
  [[nodiscard]] std::span<const std::uint32_t> downwards() const noexcept { return downwards_; }

 private:
  void choose_members(const Internet& internet, std::uint64_t seed);
  void sort_downwards();
  [[nodiscard]] std::span<const Edge> span(std::uint32_t place, std::size_t kind) const noexcept {
    const std::uint32_t* const first = &firsts_[place * 2 + kind];
    return {edges_.data() + first[0], edges_.data() + first[1]};
  }

  std::vector<std::uint32_t> places_;  // of each AS; those with the most customers come first
  std::vector<Member> members_;
  std::vector<std::uint32_t> firsts_;  // of each member: providers, peers
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> downwards_;
  bool has_circles_ = false;
};

}  // namespace backsight::sim
