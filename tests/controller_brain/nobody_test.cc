// Private and reserved addresses: shown wherever they stand, and no sign that two ways meet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/brain/path_cache.h"
#include "controller/measurement/route_split.h"
#include "tests/controller_brain/brain_rig.h"

namespace backsight::controller {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Ipv4Addr kPrivate{0x0a000001};  // 10.0.0.1
constexpr Ipv4Addr kTarget{0xc6336407};
constexpr Ipv4Addr kSource{0xc0000201};
constexpr SteadyNs kWarmUp = 20 * kSecond;

constexpr Ipv4Addr router(std::uint32_t number) { return {0xcb007100 + number}; }

constexpr std::array kNobody{Ipv4Addr{0x0a000001}, Ipv4Addr{0xc0a80101}, Ipv4Addr{0xac100001},
                             Ipv4Addr{0x64400001}, Ipv4Addr{0xa9fe0101}, Ipv4Addr{0xc0000001},
                             Ipv4Addr{0x7f000001}, Ipv4Addr{0x00000001}, Ipv4Addr{0xe0000005},
                             Ipv4Addr{0xf0000001}, Ipv4Addr{0xffffffff}, Ipv4Addr{0}};

tasks::Recorded recorded(const std::vector<Ipv4Addr>& slots) {
  tasks::Recorded route;
  route.what = tasks::Recorded::What::kRoute;
  route.slots = 9;
  route.count = static_cast<std::uint8_t>(slots.size());
  std::ranges::copy(slots, route.addresses.begin());
  return route;
}

std::vector<Ipv4Addr> way_back(const std::vector<Ipv4Addr>& slots, Ipv4Addr source = kSource) {
  const auto split = split_route(recorded(slots), kTarget, source, AliasTable());
  return {split.reverse().begin(), split.reverse().end()};
}

TEST(PrivateStamps, AreAllShownAndEndNoLoop) {
  for (const Ipv4Addr nobody : kNobody) {
    SCOPED_TRACE(probes::to_string(nobody));
    EXPECT_THAT(way_back({kTarget, router(1), nobody, router(2), nobody, router(3)}),
                ElementsAre(router(1), nobody, router(2), nobody, router(3)));
    EXPECT_THAT(way_back({kTarget, nobody, nobody, router(1)}),
                ElementsAre(nobody, nobody, router(1)));
  }
}

TEST(PrivateStamps, AreNotTheSourcesThoughItsAddressIsTheSame) {
  EXPECT_THAT(way_back({kTarget, router(1), kPrivate, router(2)}, kPrivate),
              ElementsAre(router(1), kPrivate, router(2)));
}

TEST(PrivateStamps, DoNotTellWhereTheProbeTurned) {
  const auto split = split_route(recorded({router(1), kPrivate, router(2), kPrivate, router(3)}),
                                 kTarget, kSource, AliasTable());
  EXPECT_EQ(split.by, RouteSplit::By::kNothing);
  // The target's own stamp, of the network behind its NAT, stands between two of one router.
  EXPECT_THAT(way_back({router(1), router(2), kPrivate, router(2), router(1)}),
              ElementsAre(router(1)));
}

AtlasTrace trace(std::uint64_t id, std::vector<Ipv4Addr> hops) {
  return {id,      static_cast<VpIndex>(id), router(200 + static_cast<std::uint32_t>(id)),
          kSecond, std::move(hops),          0};
}

TEST(PrivateHopsOfAnAtlas, AreKeptAndMetNowhere) {
  for (const Ipv4Addr nobody : kNobody) {
    SCOPED_TRACE(probes::to_string(nobody));
    const AliasTable aliases;
    SourceAtlas atlas(kSource, aliases);
    // No loop, and no router that answers for two hops in a row.
    ASSERT_TRUE(atlas.add(trace(1, {router(1), nobody, nobody, router(2), nobody, router(3)})));
    EXPECT_THAT(atlas.traces()[0].hops,
                ElementsAre(router(1), nobody, nobody, router(2), nobody, router(3)));
    EXPECT_FALSE(atlas.find(nobody, 0));
    EXPECT_FALSE(atlas.has_hop(nobody));
    EXPECT_TRUE(atlas.find(router(2), 0));
    EXPECT_EQ(atlas.hop_count(), 3U);
    EXPECT_THAT(atlas.hops_without_route(0).hops, ElementsAre(router(1), router(2), router(3)));
    // Nor by the replies of its hops, and they contradict nothing.
    const std::array passed{nobody, router(9), nobody, router(3)};
    atlas.add_route(router(2), passed, true, kSecond);
    EXPECT_FALSE(atlas.find(nobody, 0));
    EXPECT_TRUE(atlas.find(router(9), 0));
    EXPECT_FALSE(atlas.is_contradicted_by(nobody, router(4)));
    EXPECT_FALSE(atlas.is_contradicted_by(router(9), nobody));
  }
}

TEST(PrivateHopsOfAnAtlas, DoNotMakeOnePlaceOfTwoThatTracedFromOnePrivateAddress) {
  const AliasTable aliases;
  SourceAtlas atlas(kSource, aliases);
  const auto imported = [&](std::uint64_t id, Ipv4Addr from, Ipv4Addr hop) {
    return AtlasTrace{id, kNoVp, from, kSecond, {hop}, 0};
  };
  ASSERT_TRUE(atlas.add(imported(1, kPrivate, router(1))));
  ASSERT_TRUE(atlas.add(imported(2, kPrivate, router(2))));
  ASSERT_TRUE(atlas.add(imported(3, kPrivate, router(2))));  // again
  EXPECT_EQ(atlas.traces().size(), 2U);
  ASSERT_TRUE(atlas.add(imported(4, router(9), router(3))));
  ASSERT_TRUE(atlas.add(imported(5, router(9), router(4))));  // newer
  EXPECT_EQ(atlas.traces().size(), 3U);
}

TEST(PrivateIngresses, AreNotSharedByWhoComesBySomebodyElses) {
  const PrefixTable prefixes;
  const AliasTable aliases;
  Ranking ranking(prefixes, aliases);
  const std::array first{router(1), kPrivate}, second{router(2), kPrivate};
  ranking.learn_survey(1, kTarget, first, 4, kSecond);
  ranking.learn_survey(2, kTarget, second, 5, kSecond);
  for (const VpIndex vp : {VpIndex{1}, VpIndex{2}}) {
    EXPECT_NE(ranking.look_up(vp, kTarget, kSecond).ingress, kPrivate) << vp;
  }
}

// Of two hosts of one /24 with one gateway, whose paths go on by `behind`.
bool answers_a_third(Ipv4Addr behind) {
  PathCache cache;
  const Now now{kSecond, 1};
  const auto request = [](std::uint32_t host) {
    Request it;
    it.id = host;
    it.src = kSource;
    it.dst = {kTarget.value + host};
    return it;
  };
  for (const std::uint32_t host : {1U, 2U}) {
    const Request it = request(host);
    EXPECT_EQ(cache.ask(it, now).what, PathCache::Verdict::What::kMeasure);
    ReversePath path;
    path.id = host;
    path.stop_reason = StopReason::kReaches;
    path.hops = {{.address = it.dst}, {.address = behind}, {.address = kSource}};
    (void)cache.on_ended(it, path, {(kTarget.value & ~0xffU) | 1}, now);
  }
  return cache.ask(request(3), now).what == PathCache::Verdict::What::kAnswer;
}

TEST(PrivateGateways, AreNoSignThatTwoHostsOfANetworkTakeOneWay) {
  EXPECT_TRUE(answers_a_third(router(1)));
  for (const Ipv4Addr nobody : kNobody) EXPECT_FALSE(answers_a_third(nobody));
}

// Of a path: each router by its number, those that show a private address as -2.
std::vector<int> routers_of(const ReversePath& path, const ScriptedInternet& internet) {
  std::vector<int> routers;
  for (std::size_t i = 1; i + 1 < path.hops.size(); ++i) {
    const Ipv4Addr address = path.hops[i].address;
    const int number = probes::names_nobody(address) ? -2 : internet.router_of(address);
    if (routers.empty() || number == -2 || routers.back() != number) routers.push_back(number);
  }
  return routers;
}

TEST(TwoNetworksOfOnePath, AreShownWithThePrivateAddressThatBothUse) {
  std::size_t tried = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const bool with_aliases : {false, true}) {
      BrainRig rig(seed, with_aliases);
      const ScriptedInternet::Host host = rig.internet.hosts()[seed % 12];
      for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
        const auto truth = rig.internet.true_path(host.address, rig.internet.vp_address(vp));
        if (truth.size() < 5) continue;
        for (const std::size_t at : {1U, 3U}) {
          rig.internet.shows[static_cast<std::size_t>(truth[at])] = kPrivate;
        }
        rig.pass(kWarmUp);
        const ReversePath path = rig.measure(vp, host.address);
        const bool is_guessed = std::ranges::any_of(path.hops, [](const ReverseHop& hop) {
          return hop.type == HopType::kAtlasRecordRoute || hop.type >= HopType::kSymmetryWithinAs;
        });
        if (is_guessed) break;
        std::vector<int> expected(truth.begin(), truth.end());
        for (const std::size_t at : {1U, 3U}) expected[at] = -2;
        EXPECT_EQ(routers_of(path, rig.internet), expected) << shown(path, rig.internet);
        ++tried;
        break;
      }
    }
  }
  EXPECT_GT(tried, 4U);
}

TEST(AnInternetOfPrivateNumbers, JoinsNoTwoWays) {
  std::size_t reached = 0, asked = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    BrainRig rig(seed, seed % 2 == 0);
    for (std::size_t router = 0; router < 24; router += 2) {
      rig.internet.shows[router] = {0x0a000001 + static_cast<std::uint32_t>(router / 2 % 2)};
    }
    rig.pass(kWarmUp);
    for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
      for (const auto& host : rig.internet.hosts()) {
        const ReversePath path = rig.measure(vp, host.address);
        ++asked;
        reached += path.stop_reason == StopReason::kReaches;
        const bool is_assumed = std::ranges::any_of(path.hops, [](const ReverseHop& hop) {
          return hop.type >= HopType::kSymmetryWithinAs;
        });
        if (is_assumed) continue;
        EXPECT_THAT(rig.wrong_hops(path), IsEmpty()) << shown(path, rig.internet);
      }
    }
    for (const auto& [address, count] : rig.internet.probes_to) {
      EXPECT_FALSE(probes::names_nobody(address)) << probes::to_string(address);
    }
  }
  EXPECT_GT(reached * 10, asked * 8);
}

}  // namespace
}  // namespace backsight::controller
