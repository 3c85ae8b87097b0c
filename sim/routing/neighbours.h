// All that is asked for on the way from an AS to the next, ready and in few bytes, since a CPU's
// cache holds what is small: a record for each adjacency, one for each link, and for neighbours met
// at several places, over which of the links packets leave.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/memory.h"
#include "sim/routing/core.h"
#include "sim/routing/policy.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// One of an AS's neighbours.
struct Neighbour {
  AsIndex as : 27;
  Relation relation : 2;
  bool is_ranked : 1;        // we rank our providers before we look at lengths
  bool leaves_by_city : 1;   // by where the destination is, else by where the packet is
  std::uint32_t side : 1;    // ours of the crossings
  std::uint32_t preference;  // ours for it, in usual periods
  std::uint32_t crossing;    // the first
  std::uint32_t exits;       // where the choice among several is kept; kNone: there is one
};
static_assert(sizeof(Neighbour) == 16);

// A link between two ASes, by its two sides.
struct Crossing {
  std::array<GroupId, 2> group;
  std::array<std::uint32_t, 2> address;
  std::uint32_t delay_ns;
};

// A link as it is crossed.
struct Exit {
  const Crossing* crossing;
  std::uint32_t side;  // from here

  [[nodiscard]] GroupId here() const noexcept { return crossing->group[side]; }
  [[nodiscard]] GroupId there() const noexcept { return crossing->group[side ^ 1U]; }
  [[nodiscard]] std::uint32_t address_here() const noexcept { return crossing->address[side]; }
  [[nodiscard]] std::uint32_t address_there() const noexcept {
    return crossing->address[side ^ 1U];
  }
};

// What a way through an AS begins with.
struct Home {
  std::uint32_t first;  // record of its first neighbour
  std::uint32_t place;  // in the core; kNone: outside
};

// Thread: immutable after construction.
class Neighbours {
 public:
  Neighbours(const Internet& internet, const Core& core, std::uint64_t seed);

  [[nodiscard]] Home home(AsIndex as) const noexcept { return homes_[as]; }
  // Those of the AS end where those of the next begin. In the order of Internet::adjacencies.
  [[nodiscard]] std::uint32_t end(AsIndex as) const noexcept { return homes_[as + 1].first; }
  [[nodiscard]] const Neighbour& operator[](std::size_t adjacency) const noexcept {
    return records_[adjacency];
  }
  // Whether an AS, whose records begin at `first`, takes the offered route instead of the one it
  // has.
  [[nodiscard]] bool prefers(AsIndex as, std::uint32_t first, const Route& offered,
                             const Route& best, std::uint32_t variant) const noexcept;
  // The same as preference().
  [[nodiscard]] std::uint32_t preference_for(AsIndex as, std::uint32_t first, std::uint16_t next,
                                             std::uint32_t variant) const noexcept;
  void prepare_exit(const Neighbour& to) const noexcept { prefetch(&crossings_[to.crossing]); }
  // Hot potato: the exit that is nearest to the point of presence where the packet is, by the AS's
  // own metric. Or that nearest to the destination's city.
  [[nodiscard]] Exit exit(const Neighbour& to, std::uint8_t pop, CityId city) const noexcept {
    std::uint32_t crossing = to.crossing;
    if (to.exits != kNone) crossing += exits_[to.exits + (to.leaves_by_city ? city : pop)];
    return {&crossings_[crossing], to.side};
  }

 private:
  void record(AsIndex as, std::uint16_t adjacency);
  void choose_exits(const As& as, const Adjacency& adjacency, Neighbour& to);

  const Internet& internet_;
  const std::uint64_t seed_;
  ZeroedArray<Home> homes_;  // one more at the end
  ZeroedArray<Neighbour> records_;
  ZeroedArray<Crossing> crossings_;
  std::uint32_t crossings_known_ = 0;
  std::vector<std::uint8_t> exits_;  // by city, or by point of presence
};

}  // namespace backsight::sim
