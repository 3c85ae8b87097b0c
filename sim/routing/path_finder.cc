#include "sim/routing/path_finder.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::uint32_t kInPlaceNs = 30'000;  // from router to router of one point of presence

PathView view_of(std::span<const Stage> stages) {
  PathView view{stages, 0, 0};
  for (const Stage& stage : stages) {
    view.delay_ns += stage.delay_ns;
    view.visible = static_cast<std::uint8_t>(view.visible + !stage.is_hidden);
  }
  return view;
}

}  // namespace

PathFinder::PathFinder(const Internet& internet, const Behaviour& behaviour,
                       const config::WorldConfig& config)
    : internet_(internet), behaviour_(behaviour), routes_(internet, config) {
  const std::size_t fit = (std::size_t{config.memory.paths_mib} << 20) / sizeof(Kept);
  const std::size_t places = std::bit_floor(std::max<std::size_t>(fit, 64));
  mask_ = places - 1;
  // calloc's pages are zero without being touched.
  kept_.reset(static_cast<Kept*>(std::calloc(places, sizeof(Kept))));
  if (kept_ == nullptr) throw std::bad_alloc();
}

void PathFinder::Freed::operator()(Kept* kept) const noexcept { std::free(kept); }

PathView PathFinder::find(GroupId from, GroupId to, std::uint64_t at_ns) {
  const std::uint32_t variant = routes_.variant(internet_.groups[to].as, at_ns);
  const std::uint64_t ways = (std::uint64_t{from} << 32 | to) + 1;
  Kept& kept = kept_[combine(ways, variant) & mask_];
  if (kept.ways == ways && kept.variant == variant) {
    return {{kept.stages.data(), kept.count}, kept.delay_ns, kept.visible};
  }
  scratch_.count = 0;
  if (!walk(from, to, variant, scratch_)) scratch_.count = 0;
  const PathView found = view_of({scratch_.stages.data(), scratch_.count});
  if (found.stages.size() <= kKeptStages) {
    kept.ways = ways;
    kept.variant = variant;
    kept.delay_ns = found.delay_ns;
    kept.count = static_cast<std::uint8_t>(found.stages.size());
    kept.visible = found.visible;
    std::copy(found.stages.begin(), found.stages.end(), kept.stages.begin());
  }
  return found;
}

bool PathFinder::add_stage(GroupId id, Scratch& out) const {
  if (out.count == kMaxStages) return false;
  const Group& group = internet_.groups[id];
  out.stages[out.count++] = {id,
                             group.first_router,
                             0,
                             0,
                             0,
                             0,
                             0,
                             0,
                             0,
                             group.width,
                             group.width > 1 ? behaviour_.balancing(id) : Balancing::kByFlow,
                             behaviour_.router(group.first_router).is_hidden};
  return true;
}

// Fills in the addresses of the link between the last two stages. `number` is that of the first
// link between the groups; `goes_up`: from its lower to its upper end.
void PathFinder::join(const As& as, std::uint32_t number, bool goes_up, std::uint32_t delay_ns,
                      Scratch& out) const {
  Stage& from = out.stages[out.count - 2];
  Stage& to = out.stages[out.count - 1];
  const std::uint32_t base = as.internal_base + 4 * number;
  const auto row = static_cast<std::uint8_t>(4 * (goes_up ? to.width : from.width));
  from.delay_ns = delay_ns;
  from.out_base = base + (goes_up ? 1 : 2);
  to.in_base = base + (goes_up ? 2 : 1);
  from.out_own = goes_up ? row : 4;
  from.out_after = goes_up ? 4 : row;
  to.in_before = goes_up ? row : 4;
  to.in_own = goes_up ? 4 : row;
}

// One step within an AS, from group to group; adds the stage of the next one.
bool PathFinder::step_inside(GroupId from, GroupId to, GroupId& next, Scratch& out) const {
  const Group& here = internet_.groups[from];
  const Group& there = internet_.groups[to];
  const As& as = internet_.ases[here.as];
  if (from != here.core) {  // the only way is up to the core
    next = here.core;
    if (!add_stage(next, out)) return false;
    join(as, here.up_link, false, kInPlaceNs, out);
    return true;
  }
  if (here.pop == there.pop) {
    next = to;
    if (!add_stage(next, out)) return false;
    join(as, there.up_link, true, kInPlaceNs, out);
    return true;
  }
  const std::uint32_t row = as.backbone + std::uint32_t{here.pop} * as.pops;
  const std::uint8_t pop = internet_.next_pop[row + there.pop];
  const Pop& next_pop = internet_.pops[as.first_pop + pop];
  next = next_pop.core;
  if (!add_stage(next, out)) return false;
  const CityId city = internet_.pops[as.first_pop + here.pop].city;
  join(as, internet_.pop_link[row + pop], here.pop < pop,
       internet_.distances.delay_ns(city, next_pop.city), out);
  return true;
}

bool PathFinder::walk_inside(GroupId from, GroupId to, Scratch& out) const {
  while (from != to) {
    GroupId next = kNone;
    if (!step_inside(from, to, next, out)) return false;
    from = next;
  }
  return true;
}

// Hot potato: the exit that is nearest by the AS's own metric.
const Link& PathFinder::exit(const Adjacency& adjacency, const Group& from) const {
  const std::span<const Link> links = internet_.links_of(adjacency);
  if (links.size() == 1) return links[0];
  const As& as = internet_.ases[from.as];
  const std::uint32_t row = as.backbone + std::uint32_t{from.pop} * as.pops;
  const Link* best = &links[0];
  for (const Link& link : links) {
    if (internet_.igp_distance[row + link.pop] < internet_.igp_distance[row + best->pop]) {
      best = &link;
    }
  }
  return *best;
}

bool PathFinder::walk(GroupId from, GroupId to, std::uint32_t variant, Scratch& out) {
  const AsIndex destination = internet_.groups[to].as;
  if (!add_stage(from, out)) return false;
  GroupId at = from;
  while (internet_.groups[at].as != destination) {
    const Group& here = internet_.groups[at];
    const Adjacency* const adjacency = routes_.next(here.as, destination, variant);
    if (adjacency == nullptr) return false;
    const Link& link = exit(*adjacency, here);
    if (!walk_inside(at, link.here, out) || !add_stage(link.there, out)) return false;
    Stage& before = out.stages[out.count - 2];
    before.out_base = link.address_here;
    before.delay_ns = link.delay_ns;
    out.stages[out.count - 1].in_base = link.address_there;
    at = link.there;
  }
  return walk_inside(at, to, out);
}

}  // namespace backsight::sim
