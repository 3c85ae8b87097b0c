// What packets do equals what the truth says, and the same Internet comes out of the same seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fixture.h"
#include "probes/reading/reply.h"
#include "probes/wire/ipv4.h"
#include "sim/draw.h"
#include "tests/support/heap_counter.h"

namespace backsight::sim::testing {
namespace {

using probes::TraceMethod;

// The single delivery of one packet; empty: there was none.
Bytes answer_to(World& world, const Bytes& packet, Ipv4Addr from, std::uint64_t now = kNow) {
  Deliveries out;
  world.inject(packet, from, now, out);
  EXPECT_LE(out.all().size(), 1U);
  if (out.all().empty()) return {};
  const auto bytes = out.bytes(out.all().front());
  return {bytes.begin(), bytes.end()};
}

TEST(World, TracesShowTheRoutersOfTheTruth) {
  World& world = calm_world();
  int hops_seen = 0;
  for (std::uint32_t i = 0; i < 60; ++i) {
    const VantagePoint& vp = world.vantage_points()[i % world.vantage_points().size()];
    const Ipv4Addr host = polite_host(world, i);
    const auto method = static_cast<TraceMethod>(i % 3);
    const Bytes first =
        craft({trace(method), vp.address, host, 1, static_cast<std::uint16_t>(i * 977)});
    const Path path = world.path(vp.address, host, kNow, World::flow_of(first));
    ASSERT_TRUE(path.exists);
    std::uint8_t ttl = 0;
    for (const Hop& hop : path.hops) {
      if (hop.is_hidden) continue;
      ++ttl;
      const Bytes probe =
          craft({trace(method), vp.address, host, ttl, static_cast<std::uint16_t>(i * 977)});
      const Bytes answer = answer_to(world, probe, vp.address);
      if (hop.shows.is_unspecified()) {
        EXPECT_TRUE(answer.empty());
        continue;
      }
      const auto reply = probes::parse_packet(answer);
      ASSERT_TRUE(reply) << "ttl " << int{ttl} << " towards " << to_string(host);
      EXPECT_EQ(reply->type, probes::ReplyType::kTimeExceeded);
      EXPECT_EQ(reply->from, hop.shows);
      EXPECT_EQ(reply->to, vp.address);
      EXPECT_EQ(reply->quoted.dst, host);
      EXPECT_EQ(reply->quoted.ttl, 1);
      ++hops_seen;
    }
    const Bytes last = craft({trace(method), vp.address, host, static_cast<std::uint8_t>(ttl + 1),
                              static_cast<std::uint16_t>(i * 977)});
    const auto reply = probes::parse_packet(answer_to(world, last, vp.address));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->from, host);
    EXPECT_NE(reply->type, probes::ReplyType::kTimeExceeded);
  }
  EXPECT_GT(hops_seen, 300);
}

// The stamps that routers of a path leave, without those that leave none.
std::vector<Ipv4Addr> stamps_of(const Path& path) {
  std::vector<Ipv4Addr> stamps;
  for (const Hop& hop : path.hops) {
    if (!hop.stamps.is_unspecified()) stamps.push_back(hop.stamps);
  }
  return stamps;
}

TEST(World, RecordedRoutesAreTheStampsOfBothWays) {
  World& world = calm_world();
  int complete = 0;
  for (std::uint32_t i = 0; i < 200; ++i) {
    const VantagePoint& vp = world.vantage_points()[i % world.vantage_points().size()];
    const Ipv4Addr host = polite_host(world, i + 1000);
    const Bytes probe = craft({record_route(), vp.address, host});
    const Path there = world.path(vp.address, host, kNow, World::flow_of(probe));
    const auto drops = [](const Hop& hop) { return hop.drops_options; };
    const Bytes answer = answer_to(world, probe, vp.address);
    const Path back = world.path(host, vp.address, kNow, World::flow_of(answer));
    if (std::any_of(there.hops.begin(), there.hops.end(), drops) ||
        std::any_of(back.hops.begin(), back.hops.end(), drops)) {
      EXPECT_TRUE(answer.empty());
      continue;
    }
    const auto reply = probes::parse_packet(answer);
    ASSERT_TRUE(reply);
    std::vector<Ipv4Addr> expected = stamps_of(there);
    expected.push_back(host);
    const std::vector<Ipv4Addr> reverse = stamps_of(back);
    expected.insert(expected.end(), reverse.begin(), reverse.end());
    if (expected.size() <= 9) ++complete;
    expected.resize(std::min<std::size_t>(expected.size(), 9));
    const auto filled = reply->options.record_route.filled();
    EXPECT_EQ(std::vector<Ipv4Addr>(filled.begin(), filled.end()), expected);
  }
  EXPECT_GT(complete, 0);
}

TEST(World, ASpoofedProbeIsAnsweredToTheOwnerOfItsSource) {
  World& world = calm_world();
  const auto points = world.vantage_points();
  bool filtered = false;
  bool passed = false;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const Bytes probe = craft({record_route(), points[0].address, polite_host(world, 5)});
    Deliveries out;
    const Fate fate = world.inject(probe, points[i].address, kNow, out);
    if (!world.can_spoof(points[i])) {
      EXPECT_EQ(fate, Fate::kSpoofFiltered);
      filtered = true;
    } else if (fate == Fate::kAnswered) {
      EXPECT_EQ(out.all().front().vantage_point, 0U);
      passed = true;
    }
  }
  EXPECT_TRUE(filtered && passed);
}

TEST(World, IsTheSameForTheSameSeed) {
  const auto one = make_world(calm_config(99));
  const auto two = make_world(calm_config(99));
  const auto other = make_world(calm_config(100));
  Deliveries a;
  Deliveries b;
  Deliveries c;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const VantagePoint& vp = one->vantage_points()[i % 40];
    const Ipv4Addr host = polite_host(*one, i);
    const auto ttl = static_cast<std::uint8_t>(i % 3 == 0 ? i % 14 + 1 : 64);
    const Bytes probe = craft({i % 2 == 0 ? record_route() : ping(), vp.address, host, ttl});
    const std::uint64_t now = kNow + i * 3'600'000'000'000U;
    one->inject(probe, vp.address, now, a);
    // The other asks in between for something else: what is kept must not show.
    static_cast<void>(two->path(host, two->vantage_points()[3].address, now / 2));
    two->inject(probe, vp.address, now, b);
    other->inject(probe, vp.address, now, c);
  }
  const auto same = [](const Deliveries& x, const Deliveries& y) {
    return std::equal(x.all().begin(), x.all().end(), y.all().begin(), y.all().end(),
                      [&](const Delivery& p, const Delivery& q) {
                        return p.vantage_point == q.vantage_point && p.at_ns == q.at_ns &&
                               std::ranges::equal(x.bytes(p), y.bytes(q));
                      });
  };
  EXPECT_GT(a.all().size(), 1000U);
  EXPECT_TRUE(same(a, b));
  EXPECT_FALSE(same(a, c));
}

// What is kept, and what is told before, must not show: with room for few paths and trees and with
// room for all, in usual and unusual periods, with limits, losses and balancers by packet.
TEST(World, AnswersTheSameWithRoomForFew) {
  config::WorldConfig config;
  config.topology.ases = 1000;
  config.dynamics.unusual_routes = 0.3;
  config.behaviour.options_limit_pps = 100;
  config.memory = {.routes_mib = 64, .paths_mib = 64};
  const auto large = make_world(config);
  config.memory = {.routes_mib = 0, .paths_mib = 0};
  const auto small = make_world(config);
  const probes::Shape shapes[] = {ping(),
                                  record_route(),
                                  record_route(),
                                  {.kind = probes::Kind::kTimestamp},
                                  trace(probes::TraceMethod::kIcmp),
                                  trace(probes::TraceMethod::kUdp),
                                  trace(probes::TraceMethod::kTcp)};
  const auto points = large->vantage_points();
  Deliveries a;
  Deliveries b;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const auto draw = [i](std::uint64_t what, std::size_t n) {
      return below(combine(i, what), static_cast<std::uint32_t>(n));
    };
    const VantagePoint& vp = points[draw(1, points.size())];
    const VantagePoint& source = draw(2, 6) == 0 ? points[draw(3, points.size())] : vp;
    // Few enough that pairs come again, and some addresses that routers stamped.
    Ipv4Addr to = polite_host(*large, draw(4, 200));
    if (draw(5, 4) == 0 && !a.all().empty()) {
      const Delivery& it = a.all()[draw(6, a.all().size())];
      to = probes::ipv4::HeaderView(a.bytes(it).data()).source();
    }
    const auto ttl = static_cast<std::uint8_t>(draw(7, 3) == 0 ? 1 + draw(8, 16) : 64);
    const Bytes probe = craft({shapes[draw(9, std::size(shapes))], source.address, to, ttl,
                               static_cast<std::uint16_t>(draw(10, 9)), i % 0xfff0 + 1});
    const std::uint64_t now = kNow + i / 1000 * 30'000'000'000'000U + i * 50'000U;
    const Fate fate = large->inject(probe, vp.address, now, a);
    small->expect(probe, points[draw(11, points.size())].address);
    EXPECT_EQ(small->inject(probe, vp.address, now, b), fate);
  }
  ASSERT_EQ(a.all().size(), b.all().size());
  EXPECT_GT(a.all().size(), 10'000U);
  for (std::size_t i = 0; i < a.all().size(); ++i) {
    EXPECT_EQ(a.all()[i].vantage_point, b.all()[i].vantage_point);
    EXPECT_EQ(a.all()[i].at_ns, b.all()[i].at_ns);
    EXPECT_TRUE(std::ranges::equal(a.bytes(a.all()[i]), b.bytes(b.all()[i])));
  }
}

TEST(World, AnswersArriveAfterTheWaysDelays) {
  World& world = calm_world();
  const VantagePoint& vp = world.vantage_points()[2];
  const Ipv4Addr host = polite_host(world, 77);
  const Bytes probe = craft({ping(), vp.address, host});
  Deliveries out;
  ASSERT_EQ(world.inject(probe, vp.address, kNow, out), Fate::kAnswered);
  const Path there = world.path(vp.address, host, kNow, World::flow_of(probe));
  const Path back = world.path(host, vp.address, kNow);
  const std::uint64_t rtt = out.all().front().at_ns - kNow;
  const std::uint64_t ways = there.delay_ns + back.delay_ns;
  EXPECT_GE(rtt, ways + 2 * world.behaviour().host(host).delay_ns);
  EXPECT_LE(rtt, ways + 2 * world.behaviour().host(host).delay_ns + 1'000'000);
}

TEST(World, RoutesChangeAndComeBack) {
  World& world = calm_world();
  const VantagePoint& vp = world.vantage_points()[1];
  int changed = 0;
  int total = 0;
  for (std::uint32_t i = 0; i < 300; ++i) {
    const Ipv4Addr host = polite_host(world, 500 + i);
    const auto routers = [&](std::uint64_t at) {
      std::vector<RouterId> ids;
      for (const Hop& hop : world.path(host, vp.address, at).hops) ids.push_back(hop.router);
      return ids;
    };
    for (std::uint64_t day = 1; day <= 8; ++day, ++total) {
      const auto later = world.path(vp.address, host, kNow + day * 86'400'000'000'000U);
      ASSERT_TRUE(later.exists);
      const auto now = world.path(vp.address, host, kNow);
      changed += !std::ranges::equal(now.hops, later.hops, {}, &Hop::router, &Hop::router);
    }
    EXPECT_EQ(routers(kNow), routers(kNow));
  }
  EXPECT_GT(changed, 0);
  EXPECT_LT(changed, total / 2);
}

TEST(World, EachInjectedPacketHasOneFate) {
  const auto world = make_world(calm_config(3));
  Deliveries out;
  const VantagePoint& vp = world->vantage_points()[0];
  for (std::uint32_t i = 0; i < 500; ++i) {
    world->inject(craft({ping(), vp.address, {0x10000000 + i * 7919}}), vp.address, kNow, out);
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t count : world->fates()) sum += count;
  EXPECT_EQ(sum, 500U);
}

TEST(World, AllocatesNothingForWhatItKnows) {
  World& world = calm_world();
  const VantagePoint& vp = world.vantage_points()[4];
  std::vector<Bytes> probes;
  for (std::uint32_t i = 0; i < 50; ++i) {
    probes.push_back(craft({record_route(), vp.address, polite_host(world, i)}));
  }
  Deliveries out;
  const auto inject_all = [&] {
    out.clear();
    for (const Bytes& probe : probes) world.inject(probe, vp.address, kNow, out);
  };
  inject_all();
  const std::uint64_t before = backsight::testing::heap_allocations();
  inject_all();
  EXPECT_EQ(backsight::testing::heap_allocations(), before);
}

}  // namespace
}  // namespace backsight::sim::testing
