// What is built hangs together: neighbours, addresses, interfaces, the files of relationships.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "fixture.h"

namespace backsight::sim::testing {
namespace {

TEST(Topology, NeighboursAgreeOnWhatTheyAreToEachOther) {
  const Internet& internet = calm_world().internet();
  for (AsIndex as = 0; as < internet.ases.size(); ++as) {
    const auto neighbours = internet.neighbours(as);
    for (std::uint16_t i = 0; i < neighbours.size(); ++i) {
      const Adjacency& there = internet.neighbours(neighbours[i].neighbour)[neighbours[i].twin];
      EXPECT_EQ(there.neighbour, as);
      EXPECT_EQ(there.twin, i);
      EXPECT_EQ(static_cast<int>(there.relation) + static_cast<int>(neighbours[i].relation), 2);
      EXPECT_EQ(there.link_count, neighbours[i].link_count);
    }
  }
}

TEST(Topology, EachLinkHasTwoEndsThatKnowEachOther) {
  const Internet& internet = calm_world().internet();
  for (AsIndex as = 0; as < internet.ases.size(); ++as) {
    for (const Adjacency& it : internet.neighbours(as)) {
      const auto back = internet.links_of(internet.neighbours(it.neighbour)[it.twin]);
      const auto links = internet.links_of(it);
      for (std::size_t i = 0; i < links.size(); ++i) {
        EXPECT_EQ(internet.groups[links[i].here].as, as);
        EXPECT_EQ(links[i].here, back[i].there);
        EXPECT_EQ(links[i].address_here, back[i].address_there);
        EXPECT_NE(links[i].address_here, 0U);
        EXPECT_EQ(internet.groups[links[i].here].width, 1);
      }
    }
  }
}

TEST(Topology, EachInterfaceIsFoundByItsAddressAndBelongsToOneRouter) {
  World& world = calm_world();
  std::map<std::uint32_t, RouterId> owners;
  world.for_each_interface([&](RouterId router, Ipv4Addr address) {
    EXPECT_TRUE(owners.emplace(address.value, router).second) << to_string(address);
    const Endpoint end = world.endpoint(address);
    EXPECT_EQ(end.kind, Endpoint::Kind::kRouter) << to_string(address);
    EXPECT_EQ(end.router, router) << to_string(address);
  });
  EXPECT_GT(owners.size(), world.internet().group_of_router.size());
}

TEST(Topology, AddressesOnPathsAreThoseOfTheirRouters) {
  World& world = calm_world();
  std::size_t checked = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const Path path = world.path(polite_host(world, i), polite_host(world, i + 900), kNow,
                                 {i * 7919, i * 104'729});
    for (const Hop& hop : path.hops) {
      for (const Ipv4Addr address : {hop.in, hop.out, hop.loopback}) {
        const Endpoint end = world.endpoint(address);
        if (address.value >> 24 == 10) continue;  // numbered privately
        EXPECT_EQ(end.router, hop.router) << to_string(address);
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 5000U);
}

TEST(Topology, AnnouncedPrefixesAreDisjointAndHoldWhatTheyShould) {
  World& world = calm_world();
  std::map<std::uint32_t, Prefix> by_base;
  for (const Prefix& it : world.prefixes()) by_base.emplace(it.prefix.base.value, it);
  EXPECT_EQ(by_base.size(), world.prefixes().size());
  std::uint64_t end = 0;
  for (const auto& [base, it] : by_base) {
    EXPECT_GE(base, end);
    end = base + (std::uint64_t{1} << (32 - it.prefix.length));
    EXPECT_EQ(world.origin({base}), world.internet().ases[it.as].number);
  }
  for (const VantagePoint& vp : world.vantage_points()) {
    EXPECT_EQ(world.origin(vp.address), world.internet().ases[vp.as].number);
    EXPECT_EQ(world.endpoint(vp.address).kind, Endpoint::Kind::kVantagePoint);
    EXPECT_EQ(world.endpoint(vp.gateway).kind, Endpoint::Kind::kRouter);
  }
}

TEST(Topology, HostsStandInThePrefixesOfTheirAs) {
  World& world = calm_world();
  std::size_t count = 0;
  world.for_each_host([&](Ipv4Addr host, const HostTraits&) {
    EXPECT_EQ(world.endpoint(host).kind, Endpoint::Kind::kHost);
    return ++count < 20'000;
  });
  EXPECT_EQ(count, 20'000U);
}

TEST(Topology, ASpaceTooSmallIsToldWithItsRemedy) {
  config::WorldConfig config = calm_config();
  config.topology.address_space = {{{0x10000000}, 20}};
  const auto world = World::make(config);
  ASSERT_FALSE(world);
  EXPECT_NE(world.error().sentence.find("topology.address_space"), std::string::npos);
}

TEST(AsRelationships, AreReadWithCommentsAndSources) {
  const auto graph = parse_as_relationships("# source: a test\n1|2|0\n1|3|-1\n2|3|-1|bgp\n3|4|-1\n",
                                            "as-rel.txt", 1);
  ASSERT_TRUE(graph) << graph.error().sentence;
  EXPECT_EQ(graph->nodes.size(), 4U);
  ASSERT_EQ(graph->edges.size(), 4U);
  EXPECT_TRUE(graph->edges[0].is_peering);
  EXPECT_EQ(graph->nodes[graph->edges[3].b].number, 4U);
  for (const AsNode& node : graph->nodes) EXPECT_FALSE(node.cities.empty());
}

TEST(AsRelationships, AllBadLinesAreToldAtOnce) {
  const auto graph = parse_as_relationships("1|2|0\n1|x|-1\n3|3|0\n4|5|7\n6|7\n", "as-rel.txt", 1);
  ASSERT_FALSE(graph);
  for (const char* const place :
       {"as-rel.txt:2:", "as-rel.txt:3:", "as-rel.txt:4:", "as-rel.txt:5:"}) {
    EXPECT_NE(graph.error().sentence.find(place), std::string::npos) << graph.error().sentence;
  }
  EXPECT_FALSE(parse_as_relationships("# nothing\n", "as-rel.txt", 1));
}

TEST(AsRelationships, MakeAnInternet) {
  std::string text;
  for (int a = 1; a <= 4; ++a) {
    for (int b = a + 1; b <= 4; ++b) text += std::to_string(a) + '|' + std::to_string(b) + "|0\n";
  }
  for (int i = 10; i < 600; ++i) {
    text += std::to_string(i < 60 ? i % 4 + 1 : i % 50 + 10) + '|' + std::to_string(i) + "|-1\n";
  }
  const auto graph = parse_as_relationships(text, "as-rel.txt", 1);
  ASSERT_TRUE(graph);
  config::WorldConfig config = calm_config();
  const auto internet = build_internet(*graph, config);
  ASSERT_TRUE(internet) << internet.error().sentence;
  EXPECT_EQ(internet->vantage_points.size(), 40U);
}

}  // namespace
}  // namespace backsight::sim::testing
