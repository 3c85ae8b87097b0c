// What is believed of a clock that somebody sets.
#include "daemon/wall_clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace backsight {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kHour = 3600 * kSecond;
constexpr std::int64_t kYear = 365 * 24 * static_cast<std::int64_t>(kHour);
constexpr std::uint64_t kBegin = 1'800'000'000 * kSecond;

class WallClockTest : public ::testing::Test {
 protected:
  // Time passes in steps of at most a minute; the clock is asked at each.
  void pass(std::uint64_t ns) {
    for (std::uint64_t step = 0; ns > 0; ns -= step) {
      step = std::min(ns, 60 * kSecond);
      steady_ += step;
      said_ = ask();
    }
  }
  std::uint64_t ask() {
    return clock_.unix_ns(kBegin + steady_ + static_cast<std::uint64_t>(off_), steady_);
  }
  [[nodiscard]] std::uint64_t truth() const { return kBegin + steady_; }

  WallClock clock_;
  std::uint64_t steady_ = 5000 * kSecond;
  std::int64_t off_ = 0;
  std::uint64_t said_ = 0;
};

TEST_F(WallClockTest, AYearForthAndBackIsNotSeen) {
  for (const std::int64_t step : {kYear, -kYear}) {
    pass(kHour);
    EXPECT_EQ(said_, truth());
    off_ = step;
    EXPECT_EQ(ask(), truth());
    EXPECT_EQ(clock_.disbelieved_ns(), step);
    pass(50 * 60 * kSecond);
    EXPECT_EQ(said_, truth());
    off_ = 0;
    pass(kHour);
    EXPECT_EQ(said_, truth());
    EXPECT_EQ(clock_.disbelieved_ns(), 0);
  }
}

TEST_F(WallClockTest, AStepThatStandsForAnHourIsBelieved) {
  pass(kHour);
  off_ = kYear;
  pass(kHour);
  EXPECT_EQ(said_, truth());
  pass(60 * kSecond);
  EXPECT_EQ(said_, truth() + static_cast<std::uint64_t>(kYear));
  EXPECT_EQ(clock_.disbelieved_ns(), 0);
}

TEST_F(WallClockTest, OneThatIsFollowedByAnotherIsNot) {
  pass(kHour);
  for (int i = 0; i < 10; ++i) {
    off_ += kYear;
    pass(40 * 60 * kSecond);
    EXPECT_EQ(said_, truth());
  }
}

TEST_F(WallClockTest, SmallStepsAndASlowClockAreFollowed) {
  pass(kHour);
  for (int i = 0; i < 100; ++i) {
    off_ += (i % 2 == 0 ? 4 : -5) * static_cast<std::int64_t>(kSecond);
    pass(kSecond);
    EXPECT_EQ(said_, truth() + static_cast<std::uint64_t>(off_));
  }
}

TEST_F(WallClockTest, WhatItSaysFirstIsAllThatIsKnown) {
  off_ = -kYear;
  EXPECT_EQ(ask(), truth() + static_cast<std::uint64_t>(off_));
}

}  // namespace
}  // namespace backsight
