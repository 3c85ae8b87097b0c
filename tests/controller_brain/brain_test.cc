// Reverse traceroutes before an Internet whose truth is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "tests/controller_brain/brain_rig.h"

namespace backsight::controller {
namespace {

using testing::IsEmpty;

constexpr SteadyNs kWarmUp = 20 * kSecond;

class DrawnInternet : public testing::TestWithParam<std::tuple<int, bool>> {};

TEST_P(DrawnInternet, ShowsTheRoutersOfEachTruePathAndNoOther) {
  const auto [seed, with_aliases] = GetParam();
  BrainRig rig(static_cast<std::uint64_t>(seed), with_aliases);
  rig.pass(kWarmUp);
  std::size_t found = 0, all = 0;
  for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
    for (const auto& host : rig.internet.hosts()) {
      const ReversePath path = rig.measure(vp, host.address);
      EXPECT_EQ(path.stop_reason, StopReason::kReaches) << shown(path, rig.internet);
      EXPECT_EQ(path.hops.front().address, path.dst);
      EXPECT_EQ(path.hops.back().address, path.src);
      const bool is_assumed = std::ranges::any_of(path.hops, [](const ReverseHop& hop) {
        return hop.type == HopType::kSymmetryWithinAs || hop.type == HopType::kSymmetryAcrossAses;
      });
      if (is_assumed) continue;
      EXPECT_THAT(rig.wrong_hops(path), IsEmpty()) << shown(path, rig.internet);
      const auto [routers, of] = rig.coverage(path);
      EXPECT_EQ(routers, of) << shown(path, rig.internet);
      found += routers;
      all += of;
    }
  }
  EXPECT_GT(all, 0U);
  EXPECT_GE(static_cast<double>(found), 0.98 * static_cast<double>(all));
}

INSTANTIATE_TEST_SUITE_P(Seeds, DrawnInternet,
                         testing::Combine(testing::Range(1, 21), testing::Bool()));

TEST(Brain, AnswersWithAnAtlasInFewProbesAndQuickly) {
  std::uint64_t probes = 0, paths = 0;
  std::vector<std::uint64_t> times;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    BrainRig rig(seed, true);
    rig.pass(kWarmUp);
    for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
      for (const auto& host : rig.internet.hosts()) {
        const ReversePath path = rig.measure(vp, host.address);
        probes += path.probes;
        ++paths;
        times.push_back(path.runtime_us);
      }
    }
  }
  std::ranges::sort(times);
  EXPECT_LE(probes, 12 * paths);
  EXPECT_LE(times[times.size() / 2], 100'000U);
}

TEST(Brain, MeasuresOnceForAThousandWhoAskTheSame) {
  BrainRig one(3, true), many(3, true);
  one.pass(kWarmUp);
  many.pass(kWarmUp);
  const Ipv4Addr dst = one.internet.hosts()[0].address;
  const auto before_one = one.tasks, before_many = many.tasks;
  (void)one.measure(0, dst);
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back(many.ask(0, dst));
  for (const auto id : ids) {
    EXPECT_EQ(many.wait_for(id).stop_reason, StopReason::kReaches);
  }
  EXPECT_EQ(many.tasks - before_many, one.tasks - before_one);
  const auto from_cache =
      std::ranges::count_if(many.ended, [](const auto& it) { return it.second.is_from_cache; });
  EXPECT_EQ(from_cache, 999);
}

TEST(Brain, MeasuresAFewForAThousandHostsOfOneNetwork) {
  BrainRig rig(3, true);
  rig.pass(kWarmUp);
  std::vector<Ipv4Addr> hosts{rig.internet.hosts()[1].address};
  for (std::uint32_t i = 1; i < 200; ++i) hosts.push_back(rig.internet.add_neighbour(1, i));
  const auto before = rig.tasks;
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 1000; ++i)
    ids.push_back(rig.ask(0, hosts[static_cast<std::size_t>(i) % 200]));
  for (const auto id : ids) {
    const ReversePath path = rig.wait_for(id);
    EXPECT_EQ(path.stop_reason, StopReason::kReaches);
    EXPECT_THAT(rig.wrong_hops(path), IsEmpty());
    EXPECT_EQ(path.hops.front().address, path.dst);
  }
  EXPECT_LE(rig.tasks - before, 24U);
}

TEST(Brain, AsksADeadDestinationLessAndLess) {
  BrainRig rig(5, true);
  rig.internet.hosts()[0].answers = false;
  rig.pass(kWarmUp);
  const Ipv4Addr dead = rig.internet.hosts()[0].address;
  const auto first = rig.measure(0, dead);
  EXPECT_EQ(first.stop_reason, StopReason::kFailed);
  EXPECT_EQ(first.fail_reason, FailReason::kUnresponsive);
  const auto after_first = rig.internet.probes_to[dead];
  for (int minute = 0; minute < 24 * 60; ++minute) {
    rig.pass(kMinute);
    (void)rig.measure(static_cast<std::size_t>(minute) % 5, dead);
  }
  // Once a minute for a day: RevTr's users saw each such target probed 949 times a day.
  EXPECT_LE(rig.internet.probes_to[dead] - after_first, 120U);
}

TEST(Brain, StandsInARouterOfItsAsForADestinationThatIsDead) {
  BrainRig rig(5, true);
  rig.internet.hosts()[2].answers = false;
  rig.pass(kWarmUp);
  const auto id = rig.ask(1, rig.internet.hosts()[2].address);
  (void)rig.wait_for(id);
  ASSERT_EQ(rig.stand_ins.size(), 1U);
  const ReversePath stand_in = rig.wait_for(rig.stand_ins[0].id);
  EXPECT_TRUE(stand_in.is_try_from_destination_as);
  EXPECT_THAT(stand_in.ids_from_destination_as, testing::ElementsAre(id));
  EXPECT_EQ(stand_in.batch, rig.ended[id].batch);
  EXPECT_EQ(rig.internet.prefixes().asn(stand_in.dst),
            rig.internet.prefixes().asn(rig.internet.hosts()[2].address));
}

TEST(Brain, OpensTheCircuitOfANetworkInWhichNothingAnswers) {
  BrainRig rig(7, true);
  rig.pass(kWarmUp);
  const Ipv4Addr base = rig.internet.hosts()[0].address;
  std::vector<Ipv4Addr> dead;
  for (std::uint32_t i = 40; i < 140; ++i) {
    dead.push_back(rig.internet.add_neighbour(0, i));
    rig.internet.hosts().back().answers = false;
  }
  rig.internet.hosts()[0].answers = false;
  std::size_t refused = 0;
  for (const Ipv4Addr it : dead) {
    auto request = rig.request(0, it);
    request.retry_from_destination_as = false;
    rig.brain->submit(request, rig.now);
    refused += rig.wait_for(request.id).fail_reason == FailReason::kCircuitOpen;
  }
  // A router that stands in for them answers, so only the /24 itself is given up, if anything is.
  EXPECT_TRUE(refused == 0 || refused > 50) << refused;
  EXPECT_GT(base.value, 0U);
}

TEST(Brain, GoesOnWithoutAVantagePointThatFallsSilentInTheMiddle) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    BrainRig rig(seed, true);
    rig.pass(kWarmUp);
    rig.internet.mute.insert(1);
    rig.gone.insert(1);
    for (const auto& host : rig.internet.hosts()) {
      const ReversePath path = rig.measure(0, host.address);
      EXPECT_EQ(path.stop_reason, StopReason::kReaches) << shown(path, rig.internet);
      EXPECT_LT(path.runtime_us, 5'000'000U);
    }
    rig.pass(15 * kSecond);
    EXPECT_FALSE(rig.brain->vantage().is_usable(1));
  }
}

TEST(Brain, FindsOutWhoCannotSpoofAndWhoIsDeaf) {
  BrainRig rig(2, true);
  rig.internet.cannot_spoof = {1};
  rig.internet.deaf = {3};
  rig.pass(5 * kMinute);
  const VantageTable& vantage = rig.brain->vantage();
  EXPECT_FALSE(vantage.of(1).can(Capability::kSpoof));
  EXPECT_TRUE(vantage.of(1).can(Capability::kReceiveSpoofed));
  EXPECT_FALSE(vantage.of(3).can(Capability::kReceiveSpoofed));
  EXPECT_TRUE(vantage.of(3).can(Capability::kSpoof));
  for (const VpIndex vp : std::array<VpIndex, 3>{0, 2, 4}) {
    EXPECT_TRUE(vantage.of(vp).can(Capability::kSpoof)) << vp;
    EXPECT_TRUE(vantage.of(vp).can(Capability::kReceiveSpoofed)) << vp;
  }
  EXPECT_THAT(vantage.spoofers_for(0), testing::ElementsAre(2, 3, 4));
  EXPECT_THAT(vantage.spoofers_for(3), IsEmpty());
}

TEST(Brain, SaysWhatIsMissingWhenNobodyCanSpoofOrTheSourceIsDeaf) {
  BrainRig rig(2, true);
  rig.internet.cannot_spoof = {0, 1, 2, 3, 4};
  rig.internet.hosts()[0].answers = false;
  rig.pass(5 * kMinute);
  auto path = rig.measure(0, rig.internet.hosts()[0].address);
  ASSERT_EQ(path.stop_reason, StopReason::kFailed);
  EXPECT_THAT(path.fail_detail, testing::HasSubstr("answers none of our probes; "));
  EXPECT_THAT(path.fail_detail, testing::HasSubstr("the source's name"));

  BrainRig deaf(2, true);
  deaf.internet.deaf = {0};
  deaf.internet.hosts()[0].answers = false;
  deaf.pass(5 * kMinute);
  path = deaf.measure(0, deaf.internet.hosts()[0].address);
  ASSERT_EQ(path.stop_reason, StopReason::kFailed);
  EXPECT_THAT(path.fail_detail, testing::HasSubstr("do not arrive at it"));
}

TEST(Brain, MeasuresOnThroughLoss) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    BrainRig rig(seed, true);
    rig.pass(kWarmUp);
    rig.internet.loss = 0.1;
    for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
      for (const auto& host : rig.internet.hosts()) {
        const ReversePath path = rig.measure(vp, host.address);
        const bool is_assumed = std::ranges::any_of(path.hops, [](const ReverseHop& hop) {
          return hop.type >= HopType::kSymmetryWithinAs;
        });
        if (is_assumed) continue;
        EXPECT_THAT(rig.wrong_hops(path), IsEmpty()) << shown(path, rig.internet);
      }
    }
  }
}

TEST(Brain, LeavesOldRoutesWhereAMeasuredPathContradictsThemAndAllOnceTheAtlasIsOld) {
  std::size_t contradicted = 0, changed = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    BrainConfig config;
    config.atlas_max_age = 10 * kMinute;
    BrainRig rig(seed, true, {.ases = 8, .routers_per_as = 5, .vps = 5, .hosts = 16}, config);
    const auto wrong_paths = [&] {
      std::size_t wrong = 0;
      for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
        for (const auto& host : rig.internet.hosts()) {
          auto request = rig.request(vp, host.address);
          request.use_cache = false;
          request.retry_from_destination_as = false;
          request.staleness_minutes = 10;
          rig.brain->submit(request, rig.now);
          wrong += !rig.wrong_hops(rig.wait_for(request.id)).empty();
        }
      }
      return wrong;
    };
    rig.pass(kWarmUp);
    EXPECT_EQ(wrong_paths(), 0U);
    rig.internet.change_routes(seed + 100);
    changed += wrong_paths();
    contradicted += rig.brain->atlases().contradicted();
    rig.pass(11 * kMinute);
    EXPECT_EQ(wrong_paths(), 0U) << "seed " << seed;
  }
  EXPECT_GT(changed, 0U);
  EXPECT_GT(contradicted, 0U);
}

// Three places, of which one traced twice, an hour and 25 hours ago.
TEST(Brain, TakesImportedTraceroutesAsOldAsTheyAre) {
  BrainRig rig(3, true);
  rig.pass(26 * kHour);
  const Ipv4Addr source = rig.internet.vp_address(0);
  const auto imported = [&](std::uint64_t id, std::uint32_t from, SteadyNs age) {
    TraceRecord it;
    it.id = id;
    it.platform = "ripe";
    it.src = {from};
    it.dst = source;
    it.started_unix_us = rig.now.unix_us - age / 1000;
    tasks::Hop hop;
    hop.has_reply = true;
    hop.reply.from = {0xc6336401U + from};
    it.hops = {hop};
    return it;
  };
  rig.brain->import_atlas({imported(1, 1, kHour), imported(2, 1, 2 * kHour),
                           imported(3, 2, 23 * kHour), imported(4, 3, 25 * kHour)});
  rig.brain->keep_atlas(0, rig.now);
  rig.pass(2 * kSecond);
  const auto used = [&] {
    std::set<std::uint64_t> ids;
    const SteadyNs oldest = rig.now.steady - 24 * kHour;
    for (const AtlasTrace& it : rig.brain->atlases().of(0)->traces()) {
      if (it.vp == kNoVp && it.at >= oldest) ids.insert(it.id);
    }
    return ids;
  };
  EXPECT_EQ(used(), (std::set<std::uint64_t>{1, 3}));
  EXPECT_EQ(rig.brain->atlases().imported_of(0), 3U) << "one is too old";
  rig.brain->clear_atlas(0);
  EXPECT_EQ(used(), (std::set<std::uint64_t>{}));
  rig.pass(2 * kSecond);
  EXPECT_EQ(used(), (std::set<std::uint64_t>{1, 3})) << "they are there for a cleared atlas";
  rig.pass(2 * kHour);
  EXPECT_EQ(used(), (std::set<std::uint64_t>{1}));
  rig.brain->import_atlas({imported(5, 4, kHour)});
  rig.pass(2 * kSecond);
  EXPECT_EQ(used(), (std::set<std::uint64_t>{1, 5})) << "others came";
}

class Forgery : public testing::Test {
 protected:
  // What an attacker would have a vantage point report: about task `id`, from `receiver`.
  static tasks::ResultBatch forged(std::uint64_t id, Ipv4Addr src, Ipv4Addr dst,
                                   std::uint16_t probe_vp) {
    tasks::Observation seen;
    seen.task = id;
    seen.src = src;
    seen.dst = dst;
    seen.probe_vp = probe_vp;
    seen.kind = probes::Kind::kRecordRoute;
    seen.reply.from = dst;
    seen.recorded.what = tasks::Recorded::What::kRoute;
    seen.recorded.slots = 9;
    seen.recorded.count = 2;
    seen.recorded.addresses[0] = dst;
    seen.recorded.addresses[1] = {0x01020304};
    tasks::ResultBatch batch;
    batch.observations.push_back(seen);
    return batch;
  }
};

TEST_F(Forgery, EntersNoPath) {
  BrainRig rig(4, true);
  rig.pass(kWarmUp);
  const auto& hosts = rig.internet.hosts();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto id = rig.ask(0, hosts[i].address);
    for (int step = 0; step < 20; ++step) {
      // Every id that may be under way, with something that does not fit: the destination, the
      // sender, the receiver; and replays of what was answered before.
      for (std::uint64_t task = 1000; task < 1000 + rig.tasks + 50; ++task) {
        rig.brain->on_results(0, forged(task, rig.internet.vp_address(0), {0x05060708}, 2),
                              rig.now);
        rig.brain->on_results(0, forged(task, rig.internet.vp_address(1), hosts[i].address, 2),
                              rig.now);
        rig.brain->on_results(0, forged(task, rig.internet.vp_address(0), hosts[i].address, 77),
                              rig.now);
      }
      rig.pass(2 * kMillisecond);
    }
    const ReversePath path = rig.wait_for(id);
    for (const ReverseHop& hop : path.hops) {
      EXPECT_NE(hop.address, (Ipv4Addr{0x01020304})) << shown(path, rig.internet);
    }
  }
}

TEST(Brain, EndsEachRequestOnceWhateverIsCancelled) {
  BrainRig rig(6, true);
  rig.pass(kWarmUp);
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 60; ++i) {
    ids.push_back(rig.ask(static_cast<std::size_t>(i) % 5,
                          rig.internet.hosts()[static_cast<std::size_t>(i) % 12].address));
    if (i % 3 == 0) rig.brain->cancel(ids.back(), rig.now);
    if (i % 5 == 0) rig.pass(7 * kMillisecond);
  }
  for (const auto id : ids) (void)rig.wait_for(id);
  EXPECT_EQ(rig.brain->under_way(), 0U);
}

TEST(Brain, EndsARefusedRequestAtOnceWithItsReasonAndWithoutAProbe) {
  BrainRig rig(6, true);
  rig.pass(kWarmUp);
  const auto before = rig.tasks;
  Request refused = rig.request(0, {});
  refused.src = {};
  refused.label = "mine";
  refused.refused = "dst \"x\" is no IPv4 address";
  rig.brain->submit(refused, rig.now);
  const ReversePath path = rig.wait_for(refused.id, kMillisecond);
  EXPECT_EQ(path.stop_reason, StopReason::kFailed);
  EXPECT_EQ(path.fail_reason, FailReason::kRefused);
  EXPECT_EQ(path.fail_detail, refused.refused);
  EXPECT_EQ(path.batch, refused.batch);
  EXPECT_EQ(path.label, "mine");
  EXPECT_EQ(rig.tasks, before);
  EXPECT_THAT(rig.stand_ins, IsEmpty());
}

TEST(Brain, PingsEachHopWhenAsked) {
  BrainRig rig(3, true);
  rig.pass(kWarmUp);
  auto request = rig.request(0, rig.internet.hosts()[3].address);
  request.ping_hops = true;
  rig.brain->submit(request, rig.now);
  const ReversePath path = rig.wait_for(request.id);
  ASSERT_EQ(path.stop_reason, StopReason::kReaches);
  for (std::size_t i = 0; i + 1 < path.hops.size(); ++i) EXPECT_GT(path.hops[i].rtt_us, 0U) << i;
}

TEST(Brain, RecordsEachProbeItSentForAMeasurement) {
  BrainRig rig(3, true);
  rig.pass(kWarmUp);
  rig.pings.clear();
  const ReversePath path = rig.measure(0, rig.internet.hosts()[4].address);
  rig.pass(kMinute);
  std::set<std::uint64_t> recorded;
  for (const PingRecord& ping : rig.pings) recorded.insert(ping.id);
  for (const ReverseHop& hop : path.hops) {
    const bool is_ping =
        hop.type == HopType::kRecordRoute || hop.type == HopType::kSpoofedRecordRoute;
    if (!is_ping || hop.is_from_cache) continue;
    EXPECT_TRUE(recorded.contains(hop.measurement_id));
  }
}

}  // namespace
}  // namespace backsight::controller
