// What a walk through the routers of an AS asks for, ready and close together: a record for each
// group, and one for each step between two points of presence.
#pragma once

#include <cstdint>

#include "sim/behaviour/traits.h"
#include "sim/memory.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// What is the same of a group on every path. Traits are those of its first router, which of most
// groups is the only one.
struct GroupTraits {
  std::uint8_t width;
  Balancing balancing;  // how the router before chooses among these
  bool is_hidden;
  Shown stamps;
  bool drops_options;
  bool limits_options;  // one of them at least does
};

// One group on a path. Addresses are those of its members' interfaces towards the groups before
// and after: of member m, come from member p, going to member n,
//   in  = in_base + p * in_before + m * in_own,   out = out_base + m * out_own + n * out_after.
struct Stage : GroupTraits {
  std::uint8_t in_before;
  std::uint8_t in_own;
  GroupId group;
  RouterId first_router;
  std::uint32_t in_base;   // 0: the path begins here
  std::uint32_t out_base;  // 0: the path ends here
  std::uint32_t delay_ns;  // from here to the next stage
  std::uint8_t out_own;
  std::uint8_t out_after;
};
static_assert(sizeof(Stage) == 32);

// A group as a walk finds it.
struct Station {
  GroupTraits traits;
  std::uint8_t pop;    // within the AS
  std::uint8_t depth;  // groups above it; 0 of a core group
  CityId city;
  std::uint16_t climb;  // the group above has so much less a number
  RouterId first_router;
  std::uint32_t up_address;  // of the first link to the group above, number times four
  AsIndex as;
};
static_assert(sizeof(Station) == 24);

// From one core group to the next on the way to another point of presence.
struct Line {
  GroupId core;           // the next
  std::uint32_t address;  // of the first link, number times four
  std::uint32_t delay_ns;
  std::uint8_t pop;  // the next
  bool goes_up;      // from its lower to its upper end
};
static_assert(sizeof(Line) == 16);

// Thread: immutable after construction.
class Stations {
 public:
  // So many levels may be below a core group.
  static constexpr std::size_t kDeepest = 7;

  Stations(const Internet& internet, const Behaviour& behaviour);

  [[nodiscard]] const Station& operator[](GroupId group) const noexcept { return stations_[group]; }
  // The group above; itself for a core group.
  [[nodiscard]] GroupId above(GroupId group) const noexcept {
    return group - stations_[group].climb;
  }
  // From each point of presence of the AS to each other: from * pops + to.
  [[nodiscard]] const Line* lines(const As& as) const noexcept {
    return lines_.data() + as.backbone;
  }

 private:
  void prepare_lines(const Internet& internet, const As& as);

  ZeroedArray<Station> stations_;
  ZeroedArray<Line> lines_;
};

}  // namespace backsight::sim
