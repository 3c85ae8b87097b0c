#include "sim/routing/route_table.h"

#include <algorithm>
#include <bit>

#include "probes/assert.h"
#include "sim/draw.h"

namespace backsight::sim {

RouteTable::RouteTable(const Internet& internet, const config::WorldConfig& config)
    : internet_(internet),
      seed_(config.seed),
      unusual_(config.dynamics.unusual_routes),
      periods_a_ns_(1e-9 / config.dynamics.route_period_s),
      core_(internet, config.seed),
      neighbours_(internet, core_, config.seed),
      builder_(internet, core_, neighbours_, config.seed) {
  const std::size_t bytes = std::size_t{config.memory.routes_mib} << 20;
  const std::size_t fit = bytes / (core_.size() * sizeof(Route));
  slots_ = std::clamp<std::size_t>(fit, 64, internet.ases.size() + internet.ases.size() / 4 + 64);
  routes_ = ZeroedArray<Route>(slots_ * core_.size());
  owners_.resize(slots_);
  usual_.assign(internet.ases.size(), kNone);
  unusual_slots_.assign(std::bit_ceil(internet.ases.size() * 4), kNone);
}

std::uint32_t RouteTable::variant(AsIndex destination, std::uint64_t at_ns) const noexcept {
  // Periods of different destinations begin at different times.
  const std::uint64_t phase = combine(seed_ + 71, destination);
  const auto period =
      static_cast<std::uint64_t>(static_cast<double>(at_ns) * periods_a_ns_ + unit(phase));
  const std::uint64_t draw = combine(phase, period);
  return unit(draw) < unusual_ ? static_cast<std::uint32_t>(draw) | 1U : 0;
}

std::uint32_t RouteTable::build(Key key) {
  const std::uint32_t slot = next_slot_;
  next_slot_ = next_slot_ + 1 == slots_ ? 0 : next_slot_ + 1;
  const Key old = owners_[slot];
  if (old.destination != kNone && old.variant == 0) usual_[old.destination] = kNone;
  builder_.build(key.destination, key.variant, {&routes_[slot * core_.size()], core_.size()});
  owners_[slot] = key;
  return slot;
}

RouteTable::Tree RouteTable::tree(Key key) {
  // A usual tree's slot is forgotten with the tree.
  const bool is_usual = key.variant == 0;
  std::uint32_t& slot =
      is_usual
          ? usual_[key.destination]
          : unusual_slots_[combine(key.destination, key.variant) & (unusual_slots_.size() - 1)];
  if (slot == kNone || (!is_usual && owners_[slot] != key)) {
    const std::uint32_t built = build(key);
    slot = built;
  }
  return {key, {&routes_[slot * core_.size()], core_.size()}};
}

Route RouteTable::route_of(std::uint32_t place, Tree tree) {
  const Route known = tree.routes[place];
  if (known.from != RouteClass::kUnasked) return known;
  return builder_.ask(place, tree.key.variant, tree.routes);
}

// Most ways lead by some of the largest ASes to a neighbour of the destination.
void RouteTable::prepare(AsIndex from, AsIndex destination) const noexcept {
  const std::uint32_t slot = usual_[destination];
  if (slot == kNone) return;
  constexpr std::size_t kLargest = 64;
  constexpr std::size_t kEach = 64 / sizeof(Route);  // a cache line's
  const Route* const routes = &routes_[slot * core_.size()];
  for (std::size_t i = 0; i < std::min(core_.size(), kLargest); i += kEach) {
    prefetch_once(&routes[i]);
  }
  if (const std::uint32_t own = neighbours_.home(from).place; own != kNone) {
    prefetch_once(&routes[own]);
  } else {
    for (const Neighbour& it : some_neighbours(from)) prepare_route(it.as, routes);
  }
  for (const Neighbour& it : some_neighbours(destination)) {
    neighbours_.prepare_exit(it);
    prepare_route(it.as, routes);
  }
}

void RouteTable::prepare_route(AsIndex as, const Route* routes) const noexcept {
  const std::uint32_t place = neighbours_.home(as).place;
  if (place != kNone) prefetch_once(&routes[place]);
}

// Providers come first.
std::span<const Neighbour> RouteTable::some_neighbours(AsIndex as) const noexcept {
  constexpr std::uint32_t kSome = 6;
  const std::uint32_t first = neighbours_.home(as).first;
  return {&neighbours_[first], std::min(neighbours_.end(as) - first, kSome)};
}

// What an AS outside the core takes of what its neighbours tell.
Route RouteTable::choose(AsIndex as, Tree tree) {
  const Key key = tree.key;
  const std::uint32_t first = neighbours_.home(as).first;
  const std::uint32_t end = neighbours_.end(as);
  Route best;
  for (std::uint32_t i = first; i < end; ++i) {
    const Neighbour& it = neighbours_[i];
    const auto next = static_cast<std::uint16_t>(i - first);
    Route theirs{0, 0, RouteClass::kFromCustomer};
    if (it.as == key.destination) {
      const std::uint16_t twin = internet_.neighbours(as)[next].twin;
      const std::uint8_t told =
          announced_length(internet_, key.destination, twin, seed_, key.variant);
      if (told == 0) continue;
      theirs.length = static_cast<std::uint8_t>(told - 1);
    } else {
      const std::uint32_t place = neighbours_.home(it.as).place;
      if (place == kNone) continue;
      theirs = route_of(place, tree);
    }
    if (!is_told(it.relation, theirs.from)) continue;
    const Route ours{next, static_cast<std::uint8_t>(theirs.length + 1), class_of(it.relation)};
    if (neighbours_.prefers(as, first, ours, best, key.variant)) best = ours;
  }
  return best;
}

Route RouteTable::route_from(AsIndex as, Tree tree) {
  const std::uint32_t place = neighbours_.home(as).place;
  return place == kNone ? choose(as, tree) : route_of(place, tree);
}

bool RouteTable::find(AsIndex from, AsIndex destination, std::uint32_t variant, AsWay& way) {
  way.count = 0;
  if (from == destination) return true;
  const Tree routes = tree({destination, variant});
  for (AsIndex as = from; as != destination;) {
    if (way.count == AsWay::kMost) return false;
    const Route route = route_from(as, routes);
    if (route.from == RouteClass::kNoRoute) return false;
    const Neighbour& next = neighbours_[neighbours_.home(as).first + route.next];
    neighbours_.prepare_exit(next);
    way.steps[way.count++] = &next;
    as = next.as;
  }
  return true;
}

std::optional<Route> RouteTable::route(AsIndex as, AsIndex destination, std::uint32_t variant) {
  BACKSIGHT_ASSERT(as != destination);
  const Route found = route_from(as, tree({destination, variant}));
  if (found.from == RouteClass::kNoRoute) return std::nullopt;
  return found;
}

}  // namespace backsight::sim
