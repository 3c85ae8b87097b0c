// Numbers that wait for the budgets of vantage points that never were.
#include "controller/probing/waiting_line.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace backsight::controller {
namespace {

using Line = WaitingLine<int>;
using Verdict = Line::Verdict;

class WaitingLineTest : public ::testing::Test {
 protected:
  // What goes when each vantage point may send so many packets, and all together `total`.
  std::vector<int> release(std::map<VpIndex, unsigned> budgets, unsigned total = 1000) {
    std::vector<int> gone;
    is_empty_ = line_.release([&](int item) { return over_.contains(item); },
                              [&](const Lane& lane) {
                                if (total < lane.packets) return Verdict::kAllWait;
                                if (budgets[lane.vp] < lane.packets) return Verdict::kWait;
                                total -= lane.packets;
                                budgets[lane.vp] -= lane.packets;
                                return Verdict::kGo;
                              },
                              [&](int item) { gone.push_back(item); });
    return gone;
  }

  Line line_;
  std::set<int> over_;
  bool is_empty_ = false;
};

TEST_F(WaitingLineTest, LetsGoInTheOrderOfComing) {
  for (int i = 0; i < 9; ++i) line_.push({static_cast<VpIndex>(i % 3), 1}, i);
  EXPECT_EQ(release({{0, 9}, {1, 9}, {2, 9}}), (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_TRUE(is_empty_);
  EXPECT_TRUE(line_.is_empty());
}

TEST_F(WaitingLineTest, OneWithoutBudgetHoldsBackNobodyElse) {
  for (int i = 0; i < 6; ++i) line_.push({static_cast<VpIndex>(i % 2), 1}, i);
  EXPECT_EQ(release({{0, 1}, {1, 2}}), (std::vector{0, 1, 3}));
  EXPECT_FALSE(is_empty_);
  EXPECT_EQ(release({{0, 9}, {1, 9}}), (std::vector{2, 4, 5}));
}

TEST_F(WaitingLineTest, SmallOnesPassLargeOnesOfTheSameVantagePoint) {
  line_.push({0, 16}, 1);
  line_.push({0, 1}, 2);
  line_.push({0, 16}, 3);
  line_.push({0, 1}, 4);
  EXPECT_EQ(release({{0, 2}}), (std::vector{2, 4}));
  EXPECT_EQ(release({{0, 32}}), (std::vector{1, 3}));
}

TEST_F(WaitingLineTest, WhereTheSumIsUsedUpNobodyPassesTheFirst) {
  line_.push({0, 16}, 1);
  line_.push({1, 1}, 2);
  EXPECT_TRUE(release({{0, 99}, {1, 99}}, 15).empty());
  EXPECT_EQ(release({{0, 99}, {1, 99}}, 16), (std::vector{1}));
  EXPECT_EQ(release({{0, 99}, {1, 99}}, 1), (std::vector{2}));
}

TEST_F(WaitingLineTest, DropsWhatIsWantedNoMore) {
  for (int i = 0; i < 6; ++i) line_.push({static_cast<VpIndex>(i % 2), 1}, i);
  over_ = {0, 2, 5};
  EXPECT_EQ(release({{0, 9}, {1, 9}}), (std::vector{1, 3, 4}));
  EXPECT_TRUE(line_.is_empty());
}

}  // namespace
}  // namespace backsight::controller
