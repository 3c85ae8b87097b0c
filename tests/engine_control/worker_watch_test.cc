#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "engine/control/worker_watch.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using Rounds = std::array<std::uint64_t, 2>;

class WorkerWatchTest : public ::testing::Test {
 protected:
  std::vector<std::string> look(Rounds rounds, std::chrono::milliseconds at) {
    return watch_.look(rounds, start_ + at);
  }

 private:
  WorkerWatch watch_;
  WorkerWatch::Clock::time_point start_;
};

TEST_F(WorkerWatchTest, FindsNoFaultAtTheFirstLook) { EXPECT_THAT(look({0, 0}, 0ms), IsEmpty()); }

TEST_F(WorkerWatchTest, FindsNoFaultWhileAllTurn) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(look({std::uint64_t(i), std::uint64_t(2 * i)}, i * 1000ms), IsEmpty());
  }
}

TEST_F(WorkerWatchTest, NamesTheWorkerThatStandsStillForFiveSeconds) {
  EXPECT_THAT(look({7, 7}, 0ms), IsEmpty());
  EXPECT_THAT(look({8, 7}, 4999ms), IsEmpty());
  EXPECT_THAT(look({9, 7}, 5000ms), ElementsAre(StartsWith("worker 1 stands still for 5 s; ")));
  EXPECT_THAT(look({10, 7}, 65000ms), ElementsAre(StartsWith("worker 1 stands still for 65 s; ")));
}

TEST_F(WorkerWatchTest, NamesAllThatStandStill) {
  EXPECT_THAT(look({1, 1}, 0ms), IsEmpty());
  EXPECT_THAT(look({1, 1}, 6000ms), ElementsAre(StartsWith("worker 0"), StartsWith("worker 1")));
}

TEST_F(WorkerWatchTest, ForgivesOneThatTurnsAgain) {
  EXPECT_THAT(look({7, 7}, 0ms), IsEmpty());
  EXPECT_THAT(look({8, 7}, 6000ms), ElementsAre(StartsWith("worker 1")));
  EXPECT_THAT(look({9, 8}, 6001ms), IsEmpty());
  EXPECT_THAT(look({10, 8}, 11000ms), IsEmpty());
  EXPECT_THAT(look({11, 8}, 11001ms), ElementsAre(StartsWith("worker 1")));
}

TEST_F(WorkerWatchTest, FindsNoFaultWhenNobodyLookedForLong) {
  EXPECT_THAT(look({1, 1}, 0ms), IsEmpty());
  EXPECT_THAT(look({2, 2}, 3600'000ms), IsEmpty());
}

}  // namespace
}  // namespace backsight::engine
