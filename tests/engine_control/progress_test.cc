#include "engine/control/progress.h"

#include <gtest/gtest.h>

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

TEST(WithCommas, GroupsByThree) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(18446744073709551615U), "18,446,744,073,709,551,615");
}

TEST(ProgressFigures, SayHowFar) {
  EXPECT_EQ(to_string({.answered = 12345, .tasks = 100000, .probes_pps = 19998, .waiting = 3}),
            "12,345 of 100,000 tasks answered, 19,998 probes/s, 3 waiting for limits");
}

TEST(ProgressFigures, SayNothingOfWhatNobodyKnowsOrWaitsFor) {
  EXPECT_EQ(to_string({.answered = 7, .probes_pps = 10}), "7 tasks answered, 10 probes/s");
}

TEST(ProgressFigures, SayWhatHoldsSendingBack) {
  EXPECT_EQ(to_string({.answered = 7, .probes_pps = 10, .waiting = 5, .is_inflight_full = true}),
            "7 tasks answered, 10 probes/s, 5 waiting for limits, in-flight table full");
}

class SendingRateTest : public ::testing::Test {
 protected:
  void look(std::uint64_t sent, std::chrono::milliseconds at) { rate_.look(sent, start_ + at); }
  SendingRate rate_;

 private:
  SendingRate::Clock::time_point start_;
};

TEST_F(SendingRateTest, HasNoneWhenNothingWasSent) {
  look(0, 0ms);
  look(0, 9000ms);
  EXPECT_EQ(rate_.pps(), std::nullopt);
}

TEST_F(SendingRateTest, HasNoneWhenAllWasSentAtOnce) {
  look(0, 0ms);
  look(500, 20ms);
  look(500, 9000ms);
  EXPECT_EQ(rate_.pps(), std::nullopt);
}

TEST_F(SendingRateTest, LeavesOutWhatLiesBeforeAndAfter) {
  look(0, 0ms);
  look(0, 5000ms);
  for (int i = 1; i <= 100; ++i) look(std::uint64_t(i) * 20, 5000ms + i * 20ms);
  look(2000, 60000ms);
  EXPECT_EQ(rate_.pps(), 1000U);
}

}  // namespace
}  // namespace backsight::engine
