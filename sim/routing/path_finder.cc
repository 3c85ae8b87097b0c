#include "sim/routing/path_finder.h"

#include <algorithm>
#include <bit>

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::uint32_t kThroughLink = 0x80000000;  // a link's number, not a group's
constexpr std::uint32_t kInPlaceNs = 30'000;  // from router to router of one point of presence

PathView view_of(std::span<const Stage> stages) {
  PathView view{stages, 0, 0};
  for (const Stage& stage : stages) {
    view.delay_ns += stage.delay_ns;
    view.visible = static_cast<std::uint8_t>(view.visible + !stage.is_hidden);
  }
  return view;
}

// Fills in the addresses of the link between two stages. `base` is the first link's, number times
// four; `goes_up`: from its lower to its upper end.
void join(Stage& from, Stage& to, std::uint32_t base, bool goes_up, std::uint32_t delay_ns) {
  const auto row = static_cast<std::uint8_t>(4 * (goes_up ? to.width : from.width));
  from.delay_ns = delay_ns;
  from.out_base = base + (goes_up ? 1 : 2);
  to.in_base = base + (goes_up ? 2 : 1);
  from.out_own = goes_up ? row : 4;
  from.out_after = goes_up ? 4 : row;
  to.in_before = goes_up ? row : 4;
  to.in_own = goes_up ? 4 : row;
}

}  // namespace

PathFinder::PathFinder(const Internet& internet, const Behaviour& behaviour,
                       const config::WorldConfig& config)
    : internet_(internet), routes_(internet, config), stations_(internet, behaviour) {
  const std::size_t each = sizeof(Kept) + sizeof marks_[0];
  const std::size_t fit = (std::size_t{config.memory.paths_mib} << 20) / each;
  const std::size_t places = std::bit_floor(std::max<std::size_t>(fit, 64));
  kept_ = ZeroedArray<Kept>(places, Pages::kSmall);
  marks_ = ZeroedArray<std::uint32_t>(places);
}

PathView PathFinder::find(GroupId from, Target to, std::uint64_t at_ns) {
  const std::uint32_t variant = routes_.variant(to.as, at_ns);
  const std::uint32_t where = to.through == kNone ? to.group : kThroughLink | to.through;
  const std::uint64_t ways = std::uint64_t{from} << 32 | where;
  const std::uint64_t hash = combine(ways, variant);
  const std::size_t place = hash & (kept_.size() - 1);
  const std::uint32_t seen = static_cast<std::uint32_t>(hash >> 32) & ~kIsKept;
  std::uint32_t& mark = marks_[place];
  Kept& kept = kept_[place];
  if (mark == (seen | kIsKept) && kept.ways == ways && kept.variant == variant) {
    return {{kept.stages.data(), kept.count}, kept.delay_ns, kept.visible};
  }
  trail_.count = 0;
  if (!walk(from, to, variant, trail_)) trail_.count = 0;
  const PathView found = view_of({trail_.stages.data(), trail_.count});
  const bool is_again = (mark & ~kIsKept) == seen;
  mark = seen;
  if (is_again && trail_.count <= kKeptStages) {
    mark |= kIsKept;
    keep(ways, variant, found, kept);
  }
  return found;
}

void PathFinder::keep(std::uint64_t ways, std::uint32_t variant, const PathView& path,
                      Kept& kept) const {
  kept.ways = ways;
  kept.variant = variant;
  kept.delay_ns = path.delay_ns;
  kept.count = static_cast<std::uint8_t>(path.stages.size());
  kept.visible = path.visible;
  std::copy(path.stages.begin(), path.stages.end(), kept.stages.begin());
}

bool PathFinder::add_stage(GroupId group, Trail& out) const {
  if (out.count == kMaxStages) return false;
  const Station& station = stations_[group];
  // Field by field: what is put together elsewhere and then copied waits for its parts.
  Stage& stage = out.stages[out.count++];
  static_cast<GroupTraits&>(stage) = station.traits;
  stage.in_before = stage.in_own = 0;
  stage.group = group;
  stage.first_router = station.first_router;
  stage.in_base = stage.out_base = stage.delay_ns = 0;
  stage.out_own = stage.out_after = 0;
  return true;
}

bool PathFinder::go_up(GroupId& at, Trail& out) const {
  const std::uint32_t address = stations_[at].up_address;
  Stage& before = out.last();
  at = stations_.above(at);
  if (!add_stage(at, out)) return false;
  join(before, out.last(), address, false, kInPlaceNs);
  return true;
}

bool PathFinder::go_down(GroupId to, Trail& out) const {
  Stage& before = out.last();
  if (!add_stage(to, out)) return false;
  join(before, out.last(), stations_[to].up_address, true, kInPlaceNs);
  return true;
}

bool PathFinder::cross_backbone(GroupId& at, std::uint8_t pop, Trail& out) const {
  const Station& here = stations_[at];
  const As& as = internet_.ases[here.as];
  const Line* const lines = stations_.lines(as) + pop;
  for (std::uint8_t from = here.pop; from != pop;) {
    const Line& line = lines[std::uint32_t{from} * as.pops];
    Stage& before = out.last();
    if (!add_stage(line.core, out)) return false;
    join(before, out.last(), line.address, line.goes_up, line.delay_ns);
    at = line.core;
    from = line.pop;
  }
  return true;
}

// Up to where the ways part, over the backbone if that is in another place, and down.
bool PathFinder::walk_inside(GroupId from, GroupId to, Trail& out) const {
  if (from == to) return true;
  std::array<GroupId, Stations::kDeepest> below;  // what is passed on the way down, the last first
  std::size_t downs = 0;
  GroupId top = to;
  const auto raise_top = [&] {
    below[downs++] = top;
    top = stations_.above(top);
  };
  const std::uint8_t pop = stations_[to].pop;
  if (stations_[from].pop == pop) {
    while (stations_[top].depth > stations_[from].depth) raise_top();
    while (from != top) {
      if (stations_[top].depth == stations_[from].depth) raise_top();
      if (!go_up(from, out)) return false;
    }
  } else {
    while (stations_[top].depth != 0) raise_top();
    while (stations_[from].depth != 0) {
      if (!go_up(from, out)) return false;
    }
    if (!cross_backbone(from, pop, out)) return false;
  }
  while (downs > 0) {
    if (!go_down(below[--downs], out)) return false;
  }
  return true;
}

bool PathFinder::cross(Exit exit, Trail& out) const {
  Stage& before = out.last();
  if (!add_stage(exit.there(), out)) return false;
  before.out_base = exit.address_here();
  before.delay_ns = exit.crossing->delay_ns;
  out.last().in_base = exit.address_there();
  return true;
}

// They are chosen before the walk, so that what it reads is under way from memory.
void PathFinder::choose_exits(GroupId from, CityId city) {
  for (std::size_t i = 0; i < way_.count; ++i) {
    const Exit exit = routes_.neighbours().exit(*way_.steps[i], stations_[from].pop, city);
    const Station& here = stations_[exit.here()];
    const As& as = internet_.ases[here.as];
    prefetch(stations_.lines(as) + std::uint32_t{stations_[from].pop} * as.pops + here.pop);
    from = exit.there();
    prefetch(&stations_[from]);
    exits_[i] = exit;
  }
}

// From AS to AS; `at` is where the last one is entered.
bool PathFinder::walk_to_as(GroupId from, GroupId to, std::uint32_t variant, GroupId& at,
                            Trail& out) {
  const Station& there = stations_[to];
  at = from;
  if (!routes_.find(stations_[from].as, there.as, variant, way_)) return false;
  choose_exits(from, there.city);
  for (std::size_t i = 0; i < way_.count; ++i) {
    if (!walk_inside(at, exits_[i].here(), out) || !cross(exits_[i], out)) return false;
    at = exits_[i].there();
  }
  return true;
}

// Ends the path at the first stage that is the group.
void PathFinder::stop_at(GroupId group, Trail& out) {
  for (std::size_t i = 0; i + 1 < out.count; ++i) {
    if (out.stages[i].group != group) continue;
    out.count = i + 1;
    out.stages[i].out_base = out.stages[i].delay_ns = 0;
  }
}

bool PathFinder::walk(GroupId from, Target to, std::uint32_t variant, Trail& out) {
  if (!add_stage(from, out)) return false;
  const Link* const link = to.through == kNone ? nullptr : &internet_.links[to.through];
  const GroupId last = link == nullptr ? to.group : link->here;
  GroupId at = kNone;
  if (!walk_to_as(from, last, variant, at, out)) return false;
  if (!walk_inside(at, last, out)) return false;
  if (link != nullptr) {
    const Crossing crossing{
        {link->here, link->there}, {link->address_here, link->address_there}, link->delay_ns};
    if (!cross({&crossing, 0}, out)) return false;
  }
  // A router on the way knows its own addresses.
  if (link != nullptr) stop_at(to.group, out);
  return true;
}

}  // namespace backsight::sim
