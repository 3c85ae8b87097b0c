// Every request ends once, as what it was: while its source is away, while others share its
// measurement, when it is cancelled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller_brain/brain_rig.h"

namespace backsight::controller {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr SteadyNs kWarmUp = 20 * kSecond;

void leave(BrainRig& rig, std::size_t vp) {
  rig.gone.insert(vp);
  rig.internet.mute.insert(vp);
}
void leave_all(BrainRig& rig) {
  for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) leave(rig, vp);
}
void come_back(BrainRig& rig) {
  rig.gone.clear();
  rig.internet.mute.clear();
}

std::vector<std::uint64_t> ask_for_all_hosts(BrainRig& rig, std::size_t vp) {
  std::vector<std::uint64_t> ids;
  for (const auto& host : rig.internet.hosts()) ids.push_back(rig.ask(vp, host.address));
  return ids;
}

void expect_all_reach(BrainRig& rig, const std::vector<std::uint64_t>& ids) {
  for (const std::uint64_t id : ids) {
    const ReversePath path = rig.wait_for(id);
    EXPECT_EQ(path.stop_reason, StopReason::kReaches) << shown(path, rig.internet);
  }
}

TEST(SourceAway, IsWaitedForAfterARestart) {
  BrainRig rig(3, true);
  rig.pass(kWarmUp);
  const auto ids = ask_for_all_hosts(rig, 0);
  leave_all(rig);
  rig.restart();
  rig.pass(2 * kMinute);
  EXPECT_THAT(rig.ended, IsEmpty());
  EXPECT_EQ(rig.brain->source_waits().size(), ids.size());
  EXPECT_EQ(rig.brain->under_way(), ids.size());
  come_back(rig);
  expect_all_reach(rig, ids);
  EXPECT_EQ(rig.brain->under_way(), 0U);
}

TEST(SourceAway, IsWaitedForNoLongerThanItsPatience) {
  BrainConfig config;
  config.source_patience = 30 * kSecond;
  BrainRig rig(3, true, {}, config);
  rig.pass(kWarmUp);
  leave_all(rig);
  rig.restart();
  const Ipv4Addr dst = rig.internet.hosts()[0].address;
  const auto probes = rig.internet.probes_to[dst];
  const auto first = rig.ask(0, dst), second = rig.ask(0, dst);
  rig.pass(29 * kSecond);
  EXPECT_THAT(rig.ended, IsEmpty());
  rig.pass(3 * kSecond);
  for (const auto id : {first, second}) {
    ASSERT_TRUE(rig.ended.contains(id));
    EXPECT_EQ(rig.ended[id].fail_reason, FailReason::kNoVantagePoint);
    EXPECT_THAT(rig.ended[id].fail_detail, HasSubstr("30 s"));
    EXPECT_EQ(rig.ended[id].batch, id);
    EXPECT_EQ(rig.ended[id].dst, dst);
  }
  EXPECT_EQ(rig.internet.probes_to[dst], probes);
  // Nobody lives by a failure that says nothing of the destination.
  come_back(rig);
  rig.pass(2 * kSecond);
  EXPECT_EQ(rig.measure(0, dst).stop_reason, StopReason::kReaches);
}

TEST(SourceAway, ThatComesAndGoesKeepsNothingOpenForEver) {
  BrainConfig config;
  config.source_patience = kMinute;
  BrainRig rig(3, true, {}, config);
  rig.pass(kWarmUp);
  leave(rig, 0);
  const auto id = rig.ask(0, rig.internet.hosts()[0].address);
  for (int turn = 0; turn < 20 && !rig.ended.contains(id); ++turn) {
    rig.pass(12 * kSecond);
    rig.gone.clear();  // it says that it is there, and reports nothing
    rig.pass(kSecond);
    rig.gone.insert(0);
  }
  ASSERT_TRUE(rig.ended.contains(id));
  EXPECT_EQ(rig.ended[id].fail_reason, FailReason::kNoVantagePoint);
}

TEST(SourceAway, GoesOnWithWhatItHadUnderWayAndBlamesNoDestination) {
  std::size_t waited = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    BrainRig rig(seed, true);
    rig.pass(kWarmUp);
    std::vector<std::uint64_t> ids = ask_for_all_hosts(rig, 0);
    rig.pass(seed * 3 * kMillisecond);
    leave(rig, 0);
    for (const auto& host : rig.internet.hosts()) {
      ids.push_back(rig.ask(0, host.address));
      rig.pass(kSecond);
    }
    rig.pass(kMinute);
    waited += rig.brain->source_waits().size();
    EXPECT_EQ(rig.brain->open_circuits(rig.now.steady), 0U);
    come_back(rig);
    expect_all_reach(rig, ids);
    EXPECT_EQ(rig.brain->under_way(), 0U);
  }
  EXPECT_GT(waited, 0U);
}

TEST(Cancelled, EndsAsItselfWhereverItIs) {
  BrainRig rig(6, true);
  rig.pass(kWarmUp);
  leave_all(rig);
  rig.restart();
  const Ipv4Addr dst = rig.internet.hosts()[1].address;
  std::vector<std::uint64_t> ids{rig.ask(0, dst), rig.ask(0, dst), rig.ask(1, dst)};
  for (std::uint32_t i = 1; i < 8; ++i) ids.push_back(rig.ask(0, rig.internet.add_neighbour(1, i)));
  for (const auto id : ids) {
    rig.brain->cancel(id, rig.now);
    rig.brain->cancel(id, rig.now);
  }
  rig.pass(kSecond);
  for (const auto id : ids) {
    ASSERT_TRUE(rig.ended.contains(id));
    EXPECT_EQ(rig.ended[id].fail_reason, FailReason::kCancelled);
    EXPECT_EQ(rig.ended[id].batch, id);
    EXPECT_FALSE(rig.ended[id].dst.is_unspecified());
    EXPECT_FALSE(rig.ended[id].fail_detail.empty());
  }
  EXPECT_EQ(rig.brain->under_way(), 0U);
}

TEST(Cancelled, LeavesThoseWhoWaitedForTheSameAnswer) {
  BrainRig one(3, true), many(3, true);
  one.pass(kWarmUp);
  many.pass(kWarmUp);
  const Ipv4Addr dst = one.internet.hosts()[0].address;
  const auto before_one = one.tasks, before_many = many.tasks;
  (void)one.measure(0, dst);
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(many.ask(0, dst));
  many.brain->cancel(ids[0], many.now);  // it is measured for all
  many.brain->cancel(ids[4], many.now);  // it waits
  many.brain->cancel(ids[1], many.now);  // it is measured in the first one's stead
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const bool is_cancelled = i == 0 || i == 1 || i == 4;
    EXPECT_EQ(many.wait_for(ids[i]).fail_reason,
              is_cancelled ? FailReason::kCancelled : FailReason::kNone)
        << i;
  }
  EXPECT_EQ(many.tasks - before_many, one.tasks - before_one);  // one measurement, not eight
  EXPECT_EQ(many.brain->under_way(), 0U);
}

TEST(Cancelled, LeavesThoseWhoFollowOneThatWaitsForItsNetwork) {
  BrainRig rig(3, true);
  rig.pass(kWarmUp);
  std::vector<Ipv4Addr> hosts{rig.internet.hosts()[1].address};
  for (std::uint32_t i = 1; i < 5; ++i) hosts.push_back(rig.internet.add_neighbour(1, i));
  std::vector<std::uint64_t> leaders, followers;
  for (const Ipv4Addr it : hosts) leaders.push_back(rig.ask(0, it));
  for (const Ipv4Addr it : hosts) followers.push_back(rig.ask(0, it));
  for (const auto id : leaders) rig.brain->cancel(id, rig.now);
  for (const auto id : leaders) {
    EXPECT_EQ(rig.wait_for(id).fail_reason, FailReason::kCancelled);
  }
  expect_all_reach(rig, followers);
  EXPECT_EQ(rig.brain->under_way(), 0U);
}

// Whatever is asked, cancelled, lost and found again: each ends once.
TEST(Cancelled, EndsEachOnceInManyDrawnWorlds) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    BrainRig rig(seed, true);
    rig.random.seed(seed);
    rig.pass(kWarmUp);
    std::vector<std::uint64_t> ids;
    for (int step = 0; step < 80; ++step) {
      const auto host = rig.random() % rig.internet.hosts().size();
      auto request = rig.request(rig.random() % 3, rig.internet.hosts()[host].address);
      if (rig.random() % 3 == 0) {
        request.dst = rig.internet.add_neighbour(host, 1 + static_cast<std::uint32_t>(step));
      }
      request.use_cache = rig.random() % 4 != 0;
      rig.brain->submit(request, rig.now);
      ids.push_back(request.id);
      if (rig.random() % 2 == 0) rig.brain->cancel(ids[rig.random() % ids.size()], rig.now);
      if (rig.random() % 30 == 0) leave(rig, rig.random() % 3);
      if (rig.random() % 30 == 0) come_back(rig);
      rig.pass(rig.random() % (200 * kMillisecond));
    }
    come_back(rig);
    for (const auto id : ids) (void)rig.wait_for(id);
    rig.pass(2 * kMinute);
    EXPECT_EQ(rig.brain->under_way(), 0U);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace backsight::controller
