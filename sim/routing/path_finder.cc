#include "sim/routing/path_finder.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::uint32_t kThroughLink = 0x80000000;  // a link's number, not a group's
constexpr double kHonouredMetrics = 1.0;
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
    : internet_(internet), behaviour_(behaviour), seed_(config.seed), routes_(internet, config) {
  const std::size_t fit = (std::size_t{config.memory.paths_mib} << 20) / sizeof(Kept);
  const std::size_t places = std::bit_floor(std::max<std::size_t>(fit, 64));
  mask_ = places - 1;
  // calloc's pages are zero without being touched.
  kept_.reset(static_cast<Kept*>(std::calloc(places, sizeof(Kept))));
  if (kept_ == nullptr) throw std::bad_alloc();
}

void PathFinder::Freed::operator()(Kept* kept) const noexcept { std::free(kept); }

PathView PathFinder::find(GroupId from, Target to, std::uint64_t at_ns) {
  const std::uint32_t variant = routes_.variant(to.as, at_ns);
  const std::uint32_t where = to.through == kNone ? to.group : kThroughLink | to.through;
  const std::uint64_t ways = (std::uint64_t{from} << 32 | where) + 1;
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
  const RouterTraits& traits = behaviour_.router(group.first_router);
  Stage& stage = out.stages[out.count++];
  stage = {};
  stage.group = id;
  stage.first_router = group.first_router;
  stage.width = group.width;
  stage.balancing = group.width > 1 ? behaviour_.balancing(id) : Balancing::kByFlow;
  stage.is_hidden = traits.is_hidden;
  stage.stamps = traits.stamps;
  stage.drops_options = traits.drops_options;
  stage.limits_options = traits.limits_options;
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

// One step within an AS, from group to group; adds the stage of the next one: down towards a group
// below, up, or from core to core.
bool PathFinder::step_inside(GroupId from, GroupId to, GroupId& next, Scratch& out) const {
  const Group& here = internet_.groups[from];
  const Group& there = internet_.groups[to];
  const As& as = internet_.ases[here.as];
  GroupId below = here.pop == there.pop ? to : from;
  while (internet_.groups[below].up != from && internet_.groups[below].up != below) {
    below = internet_.groups[below].up;
  }
  const bool goes_down = below != from && internet_.groups[below].up == from;
  if (goes_down || here.up != from) {
    next = goes_down ? below : here.up;
    if (!add_stage(next, out)) return false;
    join(as, goes_down ? internet_.groups[below].up_link : here.up_link, goes_down, kInPlaceNs,
         out);
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

// Providers carry what is for a customer to where the customer wants it (its MEDs), if agreed.
bool PathFinder::honours_metrics(AsIndex as, const Adjacency& adjacency) const {
  if (adjacency.relation != Relation::kCustomer) return false;
  const std::uint64_t pair = std::uint64_t{as} << 32 | adjacency.neighbour;
  return unit(combine(seed_ + 91, pair)) < kHonouredMetrics;
}

// Hot potato: the exit that is nearest by the AS's own metric. Or that nearest to the destination.
const Link& PathFinder::exit(const Adjacency& adjacency, const Group& from, CityId to) const {
  const std::span<const Link> links = internet_.links_of(adjacency);
  if (links.size() == 1) return links[0];
  const As& as = internet_.ases[from.as];
  const std::uint32_t row = as.backbone + std::uint32_t{from.pop} * as.pops;
  const bool is_cold = honours_metrics(from.as, adjacency);
  const auto cost = [&](const Link& link) {
    if (!is_cold) return internet_.igp_distance[row + link.pop];
    return internet_.distances.delay_ns(internet_.pops[as.first_pop + link.pop].city, to);
  };
  const Link* best = &links[0];
  for (const Link& link : links.subspan(1)) {
    if (cost(link) < cost(*best)) best = &link;
  }
  return *best;
}

bool PathFinder::cross(const Link& link, Scratch& out) const {
  if (!add_stage(link.there, out)) return false;
  Stage& before = out.stages[out.count - 2];
  before.out_base = link.address_here;
  before.delay_ns = link.delay_ns;
  out.stages[out.count - 1].in_base = link.address_there;
  return true;
}

// From AS to AS; `at` is where the last one is entered.
bool PathFinder::walk_to_as(GroupId from, const Group& to, std::uint32_t variant, GroupId& at,
                            Scratch& out) {
  const CityId city = internet_.pop_of(to).city;
  at = from;
  while (internet_.groups[at].as != to.as) {
    const Group& here = internet_.groups[at];
    const Adjacency* const adjacency = routes_.next(here.as, to.as, variant);
    if (adjacency == nullptr) return false;
    const Link& link = exit(*adjacency, here, city);
    if (!walk_inside(at, link.here, out) || !cross(link, out)) return false;
    at = link.there;
  }
  return true;
}

// Ends the path at the first stage that is the group.
void PathFinder::stop_at(GroupId group, Scratch& out) {
  for (std::size_t i = 0; i + 1 < out.count; ++i) {
    if (out.stages[i].group != group) continue;
    out.count = i + 1;
    out.stages[i].out_base = out.stages[i].delay_ns = 0;
  }
}

bool PathFinder::walk(GroupId from, Target to, std::uint32_t variant, Scratch& out) {
  if (!add_stage(from, out)) return false;
  const Link* const link = to.through == kNone ? nullptr : &internet_.links[to.through];
  const GroupId last = link == nullptr ? to.group : link->here;
  GroupId at = kNone;
  if (!walk_to_as(from, internet_.groups[last], variant, at, out)) return false;
  if (!walk_inside(at, last, out)) return false;
  if (link != nullptr && !cross(*link, out)) return false;
  // A router on the way knows its own addresses.
  if (link != nullptr) stop_at(to.group, out);
  return true;
}

}  // namespace backsight::sim
