#include "sim/routing/route_table.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "sim/draw.h"

namespace backsight::sim {

void RouteTable::Freed::operator()(Route* routes) const noexcept { std::free(routes); }

RouteTable::RouteTable(const Internet& internet, const config::WorldConfig& config)
    : internet_(internet),
      seed_(config.seed),
      unusual_(config.dynamics.unusual_routes),
      periods_a_ns_(1e-9 / config.dynamics.route_period_s),
      core_(internet),
      builder_(internet, core_, config.seed) {
  const std::size_t bytes = std::size_t{config.memory.routes_mib} << 20;
  const std::size_t fit = bytes / (core_.size() * sizeof(Route));
  slots_ = std::clamp<std::size_t>(fit, 64, internet.ases.size() + internet.ases.size() / 4 + 64);
  // calloc's pages are zero without being touched, and zero is "no route".
  routes_.reset(static_cast<Route*>(std::calloc(slots_ * core_.size(), sizeof(Route))));
  if (routes_ == nullptr) throw std::bad_alloc();
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
  ++trees_built_;
  return slot;
}

const Route* RouteTable::tree(AsIndex destination, std::uint32_t variant) {
  std::uint32_t& place =
      variant == 0 ? usual_[destination]
                   : unusual_slots_[combine(destination, variant) & (unusual_slots_.size() - 1)];
  const Key key{destination, variant};
  if (place == kNone || owners_[place] != key) {
    const std::uint32_t built = build(key);
    place = built;
  }
  return &routes_[place * core_.size()];
}

std::optional<Route> RouteTable::route(AsIndex as, AsIndex destination, std::uint32_t variant) {
  const Route* const routes = tree(destination, variant);
  if (const std::uint32_t own = core_.place(as); own != kNone) {
    if (routes[own].from == RouteClass::kNoRoute) return std::nullopt;
    return routes[own];
  }
  Route best;
  const auto neighbours = internet_.neighbours(as);
  for (std::uint16_t i = 0; i < neighbours.size(); ++i) {
    const Adjacency& it = neighbours[i];
    Route theirs{0, 0, RouteClass::kFromCustomer};
    if (it.neighbour == destination) {
      const std::uint8_t told = announced_length(internet_, destination, it.twin, seed_, variant);
      if (told == 0) continue;
      theirs.length = static_cast<std::uint8_t>(told - 1);
    } else {
      const std::uint32_t place = core_.place(it.neighbour);
      if (place == kNone) continue;
      theirs = routes[place];
    }
    const bool is_told = it.relation == Relation::kProvider
                             ? theirs.from != RouteClass::kNoRoute
                             : theirs.from == RouteClass::kFromCustomer;
    if (!is_told) continue;
    const Route ours{i, static_cast<std::uint8_t>(theirs.length + 1),
                     it.relation == Relation::kProvider ? RouteClass::kFromProvider
                     : it.relation == Relation::kPeer   ? RouteClass::kFromPeer
                                                        : RouteClass::kFromCustomer};
    if (is_better(internet_, as, ours, best, seed_, variant)) best = ours;
  }
  if (best.from == RouteClass::kNoRoute) return std::nullopt;
  return best;
}

const Adjacency* RouteTable::next(AsIndex as, AsIndex destination, std::uint32_t variant) {
  const auto found = route(as, destination, variant);
  return found ? &internet_.neighbours(as)[found->next] : nullptr;
}

}  // namespace backsight::sim
