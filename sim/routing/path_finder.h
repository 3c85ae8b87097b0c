// The groups of routers that packets pass between two groups. Which router of a group it is, each
// packet's flow decides; so one path serves all flows, and paths are kept.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "config/sim/world_config.h"
#include "sim/behaviour/traits.h"
#include "sim/memory.h"
#include "sim/routing/route_table.h"
#include "sim/routing/stations.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

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

  // Asks for the memory that find() will read for ways there and back.
  void prepare(AsIndex from, GroupId to, AsIndex destination) const noexcept {
    prefetch(&stations_[to]);
    prefetch(&stations_[internet_.ases[destination].first_group]);
    routes_.prepare(from, destination);
  }
  // The way from group to group at that time. Valid until the next call.
  [[nodiscard]] PathView find(GroupId from, Target to, std::uint64_t at_ns);
  [[nodiscard]] RouteTable& routes() noexcept { return routes_; }

 private:
  static constexpr std::size_t kKeptStages = 24;  // longer paths are rare, and not kept
  struct Kept {
    std::uint64_t ways;  // from << 32 | where to
    std::uint32_t variant;
    std::uint32_t delay_ns;
    std::uint8_t count;
    std::uint8_t visible;
    std::array<Stage, kKeptStages> stages;
  };
  // A path is kept when it is asked for the second time: those that are asked for once must not
  // drive out of the CPU's cache what every walk reads. Which one was seen last at a place, and
  // whether it is kept there, a mark tells without a look at it: bits of a hash, and this one.
  static constexpr std::uint32_t kIsKept = 1;
  struct Trail {
    std::array<Stage, kMaxStages> stages;
    std::size_t count = 0;

    [[nodiscard]] Stage& last() noexcept { return stages[count - 1]; }
  };

  void keep(std::uint64_t ways, std::uint32_t variant, const PathView& path, Kept& kept) const;
  // False: there is no way.
  bool walk(GroupId from, Target to, std::uint32_t variant, Trail& out);
  bool walk_to_as(GroupId from, GroupId to, std::uint32_t variant, GroupId& at, Trail& out);
  void choose_exits(GroupId from, CityId city);
  bool cross(Exit exit, Trail& out) const;
  static void stop_at(GroupId group, Trail& out);
  bool add_stage(GroupId group, Trail& out) const;
  bool walk_inside(GroupId from, GroupId to, Trail& out) const;
  bool go_up(GroupId& at, Trail& out) const;
  bool go_down(GroupId to, Trail& out) const;
  bool cross_backbone(GroupId& at, std::uint8_t pop, Trail& out) const;

  const Internet& internet_;
  RouteTable routes_;
  Stations stations_;
  ZeroedArray<Kept> kept_;  // as many as a power of two
  ZeroedArray<std::uint32_t> marks_;
  AsWay way_;
  std::array<Exit, AsWay::kMost> exits_;  // from AS to AS on it
  Trail trail_;
};

}  // namespace backsight::sim
