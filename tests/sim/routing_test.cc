// Routes obey the rules of Gao and Rexford, and nothing else is possible.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "fixture.h"
#include "sim/draw.h"

namespace backsight::sim::testing {
namespace {

Relation relation_to(const Internet& internet, AsIndex as, AsIndex neighbour) {
  for (const Adjacency& it : internet.neighbours(as)) {
    if (it.neighbour == neighbour) return it.relation;
  }
  ADD_FAILURE() << as << " and " << neighbour << " are no neighbours";
  return Relation::kPeer;
}

// Up to providers, across at most one peering, down to customers.
bool is_valley_free(const Internet& internet, const std::vector<AsIndex>& path) {
  bool goes_down = false;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const Relation relation = relation_to(internet, path[i], path[i + 1]);
    if (goes_down && relation != Relation::kCustomer) return false;
    goes_down = goes_down || relation != Relation::kProvider;
  }
  return true;
}

std::vector<AsIndex> ases_of(const Path& path) {
  std::vector<AsIndex> ases;
  for (const Hop& hop : path.hops) {
    if (ases.empty() || ases.back() != hop.as) ases.push_back(hop.as);
  }
  return ases;
}

TEST(Routing, PathsAreValleyFreeAndVisitNoAsTwice) {
  World& world = calm_world();
  std::size_t longest = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const Ipv4Addr from = polite_host(world, 2 * i);
    const Ipv4Addr to = polite_host(world, 2 * i + 1);
    // Every tenth at a time when routes may be unusual.
    const Path path = world.path(from, to, kNow + i % 10 * 1'000'000'000'000'000U);
    ASSERT_TRUE(path.exists) << to_string(from) << " to " << to_string(to);
    const std::vector<AsIndex> ases = ases_of(path);
    EXPECT_TRUE(is_valley_free(world.internet(), ases)) << to_string(from) << to_string(to);
    EXPECT_EQ(std::set<AsIndex>(ases.begin(), ases.end()).size(), ases.size());
    longest = std::max(longest, ases.size());
  }
  EXPECT_GE(longest, 4U);
  EXPECT_LE(longest, 12U);
}

// The whole computation again, the slow and obvious way: every AS asks its neighbours until nobody
// changes its mind.
std::vector<Route> converge(const Internet& internet, AsIndex destination, std::uint64_t seed,
                            std::uint32_t variant) {
  std::vector<Route> best(internet.ases.size());
  best[destination] = {0, 0, RouteClass::kFromCustomer};
  for (bool changed = true; changed;) {
    changed = false;
    for (AsIndex as = 0; as < best.size(); ++as) {
      if (as == destination) continue;
      Route chosen;
      const auto neighbours = internet.neighbours(as);
      for (std::uint16_t i = 0; i < neighbours.size(); ++i) {
        const Route& theirs = best[neighbours[i].neighbour];
        const bool told = neighbours[i].relation == Relation::kProvider
                              ? theirs.from != RouteClass::kNoRoute
                              : theirs.from == RouteClass::kFromCustomer;
        if (!told) continue;
        const auto from = neighbours[i].relation == Relation::kProvider ? RouteClass::kFromProvider
                          : neighbours[i].relation == Relation::kPeer   ? RouteClass::kFromPeer
                                                                        : RouteClass::kFromCustomer;
        const std::uint8_t more =
            neighbours[i].neighbour == destination
                ? announced_length(internet, destination, neighbours[i].twin, seed, variant)
                : std::uint8_t{1};
        if (more == 0) continue;
        const Route offer{i, static_cast<std::uint8_t>(theirs.length + more), from};
        const bool ranks = from == RouteClass::kFromProvider && ranks_providers(as, seed);
        const auto rank = [&](const Route& it) {
          return std::tuple(-static_cast<int>(it.from),
                            ranks && it.from == from ? 0 : int{it.length},
                            preference(internet, as, it.next, seed, variant));
        };
        if (chosen.from == RouteClass::kNoRoute || rank(offer) < rank(chosen)) chosen = offer;
      }
      if (chosen != best[as]) {
        best[as] = chosen;
        changed = true;
      }
    }
  }
  return best;
}

TEST(Routing, EqualsWhatSpeakersWouldConvergeTo) {
  World& world = calm_world();
  const Internet& internet = world.internet();
  for (AsIndex destination = 0; destination < internet.ases.size(); destination += 97) {
    // In usual periods and in an unusual one.
    for (const std::uint32_t variant : {0U, 12'345U}) {
      const auto expected = converge(internet, destination, calm_config().seed, variant);
      for (AsIndex as = 0; as < internet.ases.size(); ++as) {
        if (as == destination) continue;
        const auto route = world.routes().route(as, destination, variant);
        ASSERT_TRUE(route);
        EXPECT_EQ(route->next, expected[as].next) << as << " to " << destination;
        EXPECT_EQ(route->length, expected[as].length);
      }
    }
  }
}

TEST(Routing, IsTheSameWithRoomForFewTrees) {
  config::WorldConfig tight = calm_config();
  tight.memory = {.routes_mib = 0, .paths_mib = 0};
  const auto small = make_world(tight);
  World& large = calm_world();
  for (std::uint64_t i = 0; i < 500; ++i) {
    const Ipv4Addr from = polite_host(large, i);
    const Ipv4Addr to = polite_host(large, i + 5000);
    const std::uint64_t at = kNow + i * 40'000'000'000'000U;
    EXPECT_TRUE(std::ranges::equal(small->path(from, to, at).hops, large.path(from, to, at).hops,
                                   {}, &Hop::in, &Hop::in));
  }
}

}  // namespace
}  // namespace backsight::sim::testing
