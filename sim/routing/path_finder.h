// The groups of routers that packets pass between two groups. Which router of a group it is, each
// packet's flow decides; so one path serves all flows, and paths are kept.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "config/world_config.h"
#include "sim/behaviour/traits.h"
#include "sim/routing/route_table.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// One group on a path. Addresses are those of its members' interfaces towards the groups before
// and after: of member m, come from member p, going to member n,
//   in  = in_base + p * in_before + m * in_own,   out = out_base + m * out_own + n * out_after.
struct Stage {
  GroupId group;
  RouterId first_router;
  std::uint32_t in_base;   // 0: the path begins here
  std::uint32_t out_base;  // 0: the path ends here
  std::uint32_t delay_ns;  // from here to the next stage
  std::uint8_t in_before;
  std::uint8_t in_own;
  std::uint8_t out_own;
  std::uint8_t out_after;
  std::uint8_t width;
  Balancing balancing;  // how the router before chooses among these
  bool is_hidden;
  // Traits of a single router, so that most need not be looked up.
  Shown stamps;
  bool drops_options;
  bool limits_options;
};
static_assert(sizeof(Stage) == 32);

inline constexpr std::size_t kMaxStages = 96;

// Where a path leads. The address of a link between two ASes belongs to one of them: packets for
// the other's end are routed to the one whose address it is, and cross the link.
struct Target {
  GroupId group;
  AsIndex as;                     // whose address it is
  std::uint32_t through = kNone;  // the near end of that link, in Internet::links; kNone: inside
};

struct PathView {
  std::span<const Stage> stages;  // empty: there is no way
  std::uint32_t delay_ns = 0;     // the whole way
  std::uint8_t visible = 0;       // stages that count down TTLs
};

// Thread: one at a time.
class PathFinder {
 public:
  PathFinder(const Internet& internet, const Behaviour& behaviour,
             const config::WorldConfig& config);

  // The way from group to group at that time. Valid until the next call.
  [[nodiscard]] PathView find(GroupId from, Target to, std::uint64_t at_ns);
  [[nodiscard]] RouteTable& routes() noexcept { return routes_; }

 private:
  static constexpr std::size_t kKeptStages = 24;  // longer paths are rare, and not kept
  // All zero: nothing is kept here, and the page need not be touched.
  struct Kept {
    std::uint64_t ways;  // from << 32 | where to, plus 1
    std::uint32_t variant;
    std::uint32_t delay_ns;
    std::uint8_t count;
    std::uint8_t visible;
    std::array<Stage, kKeptStages> stages;
  };
  struct Scratch {
    std::array<Stage, kMaxStages> stages;
    std::size_t count = 0;
  };

  bool walk(GroupId from, Target to, std::uint32_t variant, Scratch& out);
  bool walk_to_as(GroupId from, const Group& to, std::uint32_t variant, GroupId& at, Scratch& out);
  bool cross(const Link& link, Scratch& out) const;
  static void stop_at(GroupId group, Scratch& out);
  bool add_stage(GroupId group, Scratch& out) const;
  bool step_inside(GroupId from, GroupId to, GroupId& next, Scratch& out) const;
  bool walk_inside(GroupId from, GroupId to, Scratch& out) const;
  void join(const As& as, std::uint32_t number, bool goes_up, std::uint32_t delay_ns,
            Scratch& out) const;
  [[nodiscard]] const Link& exit(const Adjacency& adjacency, const Group& from, CityId to) const;
  [[nodiscard]] bool honours_metrics(AsIndex as, const Adjacency& adjacency) const;

  const Internet& internet_;
  const Behaviour& behaviour_;
  const std::uint64_t seed_;
  RouteTable routes_;
  std::size_t mask_;
  struct Freed {
    void operator()(Kept* kept) const noexcept;
  };
  std::unique_ptr<Kept[], Freed> kept_;
  Scratch scratch_;
};

}  // namespace backsight::sim
