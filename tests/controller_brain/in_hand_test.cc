// What vantage points hold, and when it left them by their own clock.
#include "controller/probing/in_hand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unordered_map>
#include <vector>

#include "controller/probing/vp_clock.h"

namespace backsight::controller {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Lane kLane{1, 1, probes::Kind::kPing, {0x01020304}};
constexpr Lane kOther{1, 1, probes::Kind::kRecordRoute, {0x01020304}};

class InHandTest : public testing::Test {
 protected:
  std::vector<std::uint64_t> left(const Lane& lane, std::uint64_t number) {
    std::vector<std::uint64_t> probes;
    in_hand_.on_left(lane, number, kSecond, probes);
    return probes;
  }
  // Hands over as much as there is room for.
  std::size_t fill(const Lane& lane) {
    std::size_t count = 0;
    for (; in_hand_.has_room(lane); ++count) last_ = in_hand_.hand(lane, ++probe_, kSecond);
    return count;
  }

  // So many waited so long, one every millisecond.
  void learn(int probes, SteadyNs waited) {
    for (int i = 0; i < probes; ++i) in_hand_.learn(kLane, waited, now_ += kMillisecond);
  }

  InHand in_hand_;
  SteadyNs now_ = kSecond;
  std::uint64_t probe_ = 0;
  std::uint64_t last_ = 0;
};

TEST_F(InHandTest, OneThatLeftTellsOfAllBeforeItInItsLane) {
  in_hand_.hand(kLane, 11, kSecond);
  in_hand_.hand(kOther, 12, kSecond);
  const auto third = in_hand_.hand(kLane, 13, kSecond);
  in_hand_.hand(kLane, 14, kSecond);
  EXPECT_THAT(left(kLane, third), ElementsAre(11, 13));
  EXPECT_THAT(left(kLane, third), IsEmpty());
  EXPECT_EQ(in_hand_.packets(), 2U);
}

TEST_F(InHandTest, WhatIsDroppedIsNotToldOf) {
  const auto first = in_hand_.hand(kLane, 11, kSecond);
  const auto second = in_hand_.hand(kLane, 12, kSecond);
  in_hand_.drop(kLane, first);
  in_hand_.drop(kLane, first);
  EXPECT_EQ(in_hand_.packets(), 1U);
  EXPECT_THAT(left(kLane, second), ElementsAre(12));
  EXPECT_EQ(in_hand_.packets(), 0U);
}

TEST_F(InHandTest, WhoKeepsProbesWaitingIsGivenFewerAtOnce) {
  in_hand_.limit(1, 1000);
  const std::size_t many = fill(kLane);
  learn(10'000, 2 * kSecond);
  (void)left(kLane, last_);
  const std::size_t few = fill(kLane);
  EXPECT_LT(few, many / 4);
  EXPECT_GT(few, 1U);
  learn(10'000, 0);
  (void)left(kLane, last_);
  EXPECT_EQ(fill(kLane), many);
}

TEST_F(InHandTest, OneThatALimitOfItsOwnHeldBackTellsOfNoQueue) {
  in_hand_.limit(1, 1000);
  const std::size_t many = fill(kLane);
  for (int i = 0; i < 1000; ++i) {
    learn(5, 3 * kSecond);
    learn(1, 10 * kMillisecond);
  }
  (void)left(kLane, last_);
  EXPECT_EQ(fill(kLane), many);
  std::unordered_map<VpIndex, SteadyNs> waits;
  in_hand_.raise(waits, now_);
  EXPECT_LT(waits[1], 100 * kMillisecond);
}

TEST_F(InHandTest, ALaneThatIsEmptyKeepsNobodyWaiting) {
  const auto only = in_hand_.hand(kLane, 11, kSecond);
  learn(1, 3 * kSecond);
  EXPECT_EQ(in_hand_.wait_of(kLane), 3 * kSecond);
  (void)left(kLane, only);
  in_hand_.hand(kLane, 12, 9 * kSecond);
  EXPECT_EQ(in_hand_.wait_of(kLane), 0U);
}

// --- clocks --------------------------------------------------------------------------------------

constexpr std::uint64_t kUnixNs = 1'800'000'000'000'000'000;

TEST(VpClockTest, TellsOnOurClockWhatAVantagePointDatedByIts) {
  VpClock clock;
  EXPECT_EQ(clock.left_at(kUnixNs + 10 * kSecond, 10 * kSecond, 11 * kSecond), 10 * kSecond);
  const SteadyNs late = clock.left_at(kUnixNs + 25 * kSecond, 20 * kSecond, 26 * kSecond);
  EXPECT_NEAR(static_cast<double>(late), 25.0 * kSecond, 10.0 * kMillisecond);
}

TEST(VpClockTest, NeverSaysThatAProbeLeftBeforeItWasHandedOverOrAfterItWasReported) {
  VpClock clock;
  (void)clock.left_at(kUnixNs, 10 * kSecond, 11 * kSecond);
  for (const std::uint64_t told :
       {std::uint64_t{0}, std::uint64_t{1}, kUnixNs - kHour, kUnixNs + 900 * kMillisecond,
        kUnixNs + kHour, ~std::uint64_t{0}}) {
    const SteadyNs left = clock.left_at(told, 12 * kSecond, 12 * kSecond + kMillisecond);
    EXPECT_GE(left, 12 * kSecond);
    EXPECT_LE(left, 12 * kSecond + kMillisecond);
  }
}

TEST(VpClockTest, AClockThatWasSteppedIsMeasuredAnew) {
  constexpr std::uint64_t kYear = 365 * 24 * kHour;
  for (const std::uint64_t step : {kYear, ~kYear + 1}) {
    VpClock clock;
    (void)clock.left_at(kUnixNs + 10 * kSecond, 10 * kSecond, 11 * kSecond);
    (void)clock.left_at(kUnixNs + step + 20 * kSecond, 20 * kSecond, 21 * kSecond);
    const SteadyNs late = clock.left_at(kUnixNs + step + 35 * kSecond, 30 * kSecond, 36 * kSecond);
    EXPECT_NEAR(static_cast<double>(late), 35.0 * kSecond, 10.0 * kMillisecond);
    (void)clock.left_at(kUnixNs + 40 * kSecond, 40 * kSecond, 41 * kSecond);
    const SteadyNs back = clock.left_at(kUnixNs + 52 * kSecond, 50 * kSecond, 53 * kSecond);
    EXPECT_NEAR(static_cast<double>(back), 52.0 * kSecond, 10.0 * kMillisecond);
  }
}

}  // namespace
}  // namespace backsight::controller
