// The schedule when its tables are full and when limits change under way.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "schedule_rig.h"

namespace backsight::engine {
namespace {

TEST(Schedule, LetsEverythingGoAtOnceWhenNoLimitIsOn) {
  Rig rig({}, 1000, 64);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(rig.push({.dst = address(0, 1), .has_options = true}));
  rig.pop_all();
  EXPECT_EQ(rig.popped, 1000U);
  EXPECT_FALSE(rig.schedule.next_wake(rig.now));
}

TEST(Schedule, SaysWhenItsTablesAreFullAndTakesMoreWhenTheirLimitsHaveRunOut) {
  Rig rig({.per_destination_pps = 10}, 1000, 64);
  std::uint32_t taken = 0;
  while (rig.push({.dst = address(taken, 1)})) ++taken;
  EXPECT_EQ(taken, 64U);
  rig.pop_all();
  EXPECT_EQ(rig.popped, 64U);
  EXPECT_FALSE(rig.push({.dst = address(1000, 1)})) << "the limits of the first 64 still run";
  EXPECT_TRUE(rig.push({.dst = address(3, 1)})) << "who has a place keeps it";
  rig.now = rig.now + at_ms(101).since({});
  rig.pop_all();
  for (std::uint32_t i = 1000; i < 1063; ++i) ASSERT_TRUE(rig.push({.dst = address(i, 1)})) << i;
  rig.drain();
}

// The second send of a destination comes after a look for another place for somebody else.
TEST(Schedule, ForgetsNoLimitThatStillRuns) {
  BACKSIGHT_RANDOM(random);
  Rig rig({.per_destination_pps = 5, .per_prefix24_pps = 20}, 500, 64);
  for (int step = 0; step < 20'000 && !HasFailure(); ++step) {
    static_cast<void>(rig.push(random_send(random, 200, 2, 0)));
    while (rig.pop()) {
    }
    rig.now = rig.now + TscSpan{random.below(kTicksPerMs)};
  }
  rig.drain();
}

TEST(Schedule, WaitsForAPlaceWhenThereAreMoreSourcesThanItRemembers) {
  Rig rig({.per_source_pps = 10}, 6000, 8000);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    ASSERT_TRUE(rig.push({.dst = address(i, 1), .spoofed_src = source(i)}));
  }
  rig.pop_all();
  EXPECT_LE(rig.popped, 4096U);
  rig.drain();
  EXPECT_EQ(rig.popped, 5000U);
}

// Limits that are switched while items wait: nothing is lost, and the new limit holds for all.
TEST(Schedule, KeepsALimitThatIsSwitchedOnWhileItemsWait) {
  Schedule schedule({}, 1000, 1000, kTicksPerSecond);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(schedule.push(i, Send{.dst = address(i % 10, 1)}, kStart));
  }
  schedule.set_limits({.per_destination_pps = 10});
  std::map<std::uint32_t, Watch> watches;
  std::vector<bool> is_sent(1000);
  Tsc now = kStart;
  std::uint64_t count = 0;
  while (const auto wake = schedule.next_wake(now)) {
    now = std::max(now + TscSpan{1}, *wake);
    ASSERT_LT(now.since(kStart).ticks, 12 * kTicksPerSecond);
    while (const auto item = schedule.pop(now)) {
      ASSERT_FALSE(is_sent[*item]);
      is_sent[*item] = true;
      ++count;
      ASSERT_TRUE(watches.try_emplace(*item % 10, 10).first->second.sent(now)) << count;
    }
  }
  EXPECT_EQ(count, 1000U);
  EXPECT_EQ(schedule.waiting(), 0U);
}

TEST(Schedule, LosesNothingWhenLimitsAreSwitchedAgainAndAgain) {
  BACKSIGHT_RANDOM(random);
  constexpr std::array<std::uint64_t, 5> kRates = {0, 0, 20, 500, 100'000};
  const auto rate = [&] { return kRates[random.below(kRates.size())]; };
  Schedule schedule({}, 400, 300, kTicksPerSecond);
  std::vector<std::uint32_t> free;
  for (std::uint32_t i = 0; i < 400; ++i) free.push_back(i);
  std::map<std::uint32_t, bool> inside;
  Tsc now = kStart;
  const auto pop_all = [&] {
    while (const auto item = schedule.pop(now)) {
      ASSERT_TRUE(inside[*item]) << *item;
      inside[*item] = false;
      free.push_back(*item);
    }
  };
  for (int step = 0; step < 30'000 && !HasFatalFailure(); ++step) {
    if (random.one_in(50)) schedule.set_limits({rate(), rate(), rate(), rate()});
    if (!free.empty() && schedule.push(free.back(), random_send(random, 10, 5, 4), now)) {
      inside[free.back()] = true;
      free.pop_back();
    }
    pop_all();
    now = now + TscSpan{random.below(2 * kTicksPerMs)};
  }
  for (int step = 0; step < 1'000'000 && schedule.waiting() != 0 && !HasFatalFailure(); ++step) {
    const auto wake = schedule.next_wake(now);
    ASSERT_TRUE(wake);
    now = std::max(now + TscSpan{kTicksPerUs}, *wake);
    pop_all();
  }
  EXPECT_EQ(free.size(), 400U);
  EXPECT_EQ(schedule.waiting(), 0U);
}

// Wake-ups come late, as those of a worker that naps.
TEST(Schedule, KeepsTheRateWhenItIsAskedALittleLate) {
  BACKSIGHT_RANDOM(random);
  Rig rig({.per_destination_pps = 1000}, 5000, 64);
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(rig.push({.dst = address(0, 1)}));
  while (rig.schedule.waiting() != 0 && !HasFailure()) {
    rig.pop_all();
    rig.sleep();
    rig.now = rig.now + TscSpan{random.below(100 * kTicksPerUs)};
  }
  EXPECT_NEAR(static_cast<double>(rig.now.since(kStart).ticks) / kTicksPerSecond, 5.0, 0.02);
}

}  // namespace
}  // namespace backsight::engine
