// Many ask at once, and vantage points are slow, held up or gone: that is our trouble, and nobody
// else's silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller_brain/brain_rig.h"

namespace backsight::controller {
namespace {

constexpr SteadyNs kWarmUp = 20 * kSecond;
constexpr ScriptedInternet::Shape kLarge{.ases = 12, .routers_per_as = 4, .vps = 5, .hosts = 110};

struct Reach {
  std::size_t reached = 0;
  std::size_t asked = 0;
  std::uint64_t tasks = 0;
  std::uint64_t longest_us = 0;  // of a measurement
};

// Asks for all hosts from one source, so many under way at once.
Reach measure_all(BrainRig& rig, std::size_t at_once) {
  Reach reach;
  const std::uint64_t before = rig.tasks;
  std::vector<std::uint64_t> ids;
  std::size_t ended = 0;
  for (const auto& host : rig.internet.hosts()) {
    while (ids.size() - ended >= at_once) {
      (void)rig.wait_for(ids[ended], kHour);
      ++ended;
    }
    ids.push_back(rig.ask(0, host.address));
  }
  for (const std::uint64_t id : ids) {
    const ReversePath path = rig.wait_for(id, kHour);
    reach.reached += path.stop_reason == StopReason::kReaches ? 1 : 0;
    reach.longest_us = std::max(reach.longest_us, path.runtime_us);
  }
  reach.asked = ids.size();
  reach.tasks = rig.tasks - before;
  return reach;
}

TEST(Load, AllAtOnceReachWhatFewAtATimeDo) {
  for (const double pps : {5.0, 20.0, 100.0}) {
    SCOPED_TRACE("packets a second: " + std::to_string(pps));
    BrainRig few(3, true, kLarge), all(3, true, kLarge);
    for (BrainRig* const rig : {&few, &all}) {
      rig->pass(kWarmUp);
      rig->pace_pps = pps;
    }
    const Reach by_few = measure_all(few, 5);
    const Reach by_all = measure_all(all, 1000);
    EXPECT_GE(by_few.reached, by_few.asked - 1);
    EXPECT_GE(by_all.reached + 1, by_few.reached);
    EXPECT_LE(by_all.tasks, by_few.tasks * 3 / 2) << "who waits is not asked again";
    EXPECT_EQ(all.brain->open_circuits(all.now.steady), 0U);
  }
}

TEST(Load, MeasurementsBeginAsVantagePointsCarryThem) {
  BrainRig rig(3, true, kLarge);
  rig.pass(kWarmUp);
  rig.pace_pps = 20;
  std::vector<std::uint64_t> ids;
  for (const auto& host : rig.internet.hosts()) ids.push_back(rig.ask(0, host.address));
  rig.pass(kSecond);
  EXPECT_GT(rig.brain->begun().size(), 2U);
  EXPECT_LT(rig.brain->begun().size(), 50U);
  EXPECT_EQ(rig.brain->waiting() + rig.brain->begun().size(), rig.brain->under_way());
  for (const std::uint64_t id : ids) {
    EXPECT_LT(rig.wait_for(id, kHour).runtime_us, 60'000'000U) << "its wait is not its own time";
  }
  EXPECT_EQ(rig.brain->waiting(), 0U);
}

TEST(Load, AVantagePointThatHoldsAllBackDelaysAndConcludesNothing) {
  BrainRig rig(3, true, kLarge), free(3, true, kLarge);
  rig.pass(kWarmUp);
  free.pass(kWarmUp);
  for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
    rig.held_until[vp] = rig.now.steady + 25 * kSecond;
  }
  std::vector<std::uint64_t> ids, free_ids;
  for (std::size_t i = 0; i < 20; ++i) {
    ids.push_back(rig.ask(0, rig.internet.hosts()[i].address));
    free_ids.push_back(free.ask(0, free.internet.hosts()[i].address));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const ReversePath path = rig.wait_for(ids[i]);
    EXPECT_EQ(path.stop_reason, free.wait_for(free_ids[i]).stop_reason)
        << shown(path, rig.internet);
    EXPECT_LT(path.runtime_us, 20'000'000U) << "what waits has no time of its own";
  }
  EXPECT_EQ(rig.brain->open_circuits(rig.now.steady), 0U);
}

TEST(Load, WhereNothingIsSentNobodyIsCalledSilent) {
  BrainRig rig(5, true);
  rig.pass(kWarmUp);
  const Ipv4Addr dst = rig.internet.hosts()[0].address;
  for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) rig.internet.mute.insert(vp);
  const ReversePath path = rig.wait_for(rig.ask(1, dst), kHour);
  EXPECT_EQ(path.stop_reason, StopReason::kFailed);
  EXPECT_EQ(path.fail_reason, FailReason::kNoVantagePoint) << path.fail_detail;
  rig.internet.mute.clear();
  rig.pass(2 * kMinute);  // a failure is not measured again at once
  EXPECT_EQ(rig.measure(1, dst).stop_reason, StopReason::kReaches);
}

TEST(Load, SpoofedProbesAreWaitedForSinceTheyLeft) {
  // Who spoofs holds probes for longer than any of them is waited for; the source does not.
  BrainRig rig(3, true, kLarge), free(3, true, kLarge);
  for (BrainRig* const it : {&rig, &free}) it->pass(kWarmUp);
  for (std::size_t vp = 1; vp < rig.internet.vp_count(); ++vp) {
    rig.held_until[vp] = rig.now.steady + 12 * kSecond;
  }
  std::size_t spoofed = 0, of = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const Ipv4Addr dst = rig.internet.hosts()[i].address;
    const auto count = [](const ReversePath& path) {
      return static_cast<std::size_t>(
          std::ranges::count(path.hops, HopType::kSpoofedRecordRoute, &ReverseHop::type));
    };
    spoofed += count(rig.measure(0, dst));
    of += count(free.measure(0, dst));
  }
  EXPECT_GT(of, 0U);
  EXPECT_GE(spoofed, of);
}

TEST(Load, UsersTakeTurns) {
  BrainRig rig(3, true, kLarge);
  rig.pass(kWarmUp);
  rig.pace_pps = 5;
  std::vector<std::uint64_t> many;
  for (std::size_t i = 0; i + 1 < rig.internet.hosts().size(); ++i) {
    Request it = rig.request(0, rig.internet.hosts()[i].address);
    it.user = "many";
    it.batch = 1;
    many.push_back(it.id);
    rig.brain->submit(it, rig.now);
  }
  rig.pass(kSecond);
  Request one = rig.request(0, rig.internet.hosts().back().address);
  one.user = "one";
  rig.brain->submit(one, rig.now);
  (void)rig.wait_for(one.id, kHour);
  const auto before = std::ranges::count_if(many, [&](auto id) { return rig.ended.contains(id); });
  EXPECT_LT(before, static_cast<std::ptrdiff_t>(many.size() * 2 / 3));
  for (const std::uint64_t id : many) (void)rig.wait_for(id, kHour);
}

TEST(Load, WhoWaitsCanBeCancelledAndLeavesTheOthers) {
  BrainRig rig(3, true, kLarge);
  rig.pass(kWarmUp);
  rig.pace_pps = 5;
  std::vector<std::uint64_t> ids;
  for (const auto& host : rig.internet.hosts()) ids.push_back(rig.ask(0, host.address));
  const std::uint64_t same = rig.ask(0, rig.internet.hosts().back().address);
  rig.pass(kSecond);
  const auto begun = rig.brain->begun();
  ASSERT_EQ(std::ranges::count(begun, ids.back()), 0);
  rig.brain->cancel(ids.back(), rig.now);
  EXPECT_EQ(rig.wait_for(ids.back(), kSecond).fail_reason, FailReason::kCancelled);
  EXPECT_EQ(rig.wait_for(same, kHour).stop_reason, StopReason::kReaches);
  for (const std::uint64_t id : ids) (void)rig.wait_for(id, kHour);
  EXPECT_EQ(rig.brain->under_way(), 0U);
}

}  // namespace
}  // namespace backsight::controller
