#include "queue/file/done_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace backsight::queue {
namespace {

TEST(DoneSet, BeginsAtOne) {
  DoneSet done;
  EXPECT_EQ(done.low(), 1U);
  EXPECT_TRUE(done.contains(0));
  EXPECT_FALSE(done.contains(1));
}

TEST(DoneSet, AgreesWithASet) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    DoneSet done;
    std::set<std::uint64_t> model{0};
    const std::uint64_t reach = 100 + random() % 3000;
    for (int step = 0; step < 200; ++step) {
      const std::uint64_t begin = 1 + random() % reach;
      const std::uint64_t end = begin + (random() % 4 == 0 ? random() % 200 : 1);
      ASSERT_TRUE(done.insert_range(begin, end));
      for (std::uint64_t position = begin; position < end; ++position) model.insert(position);
      if (step % 50 == 49) {
        const std::uint64_t below = random() % reach / 4;
        done.insert_below(below);
        for (std::uint64_t position = 0; position < below; ++position) model.insert(position);
      }
    }
    std::uint64_t low = 0;
    while (model.contains(low)) ++low;
    ASSERT_EQ(done.low(), low);
    DoneSet again;
    again.insert(1 + random() % reach);
    ASSERT_TRUE(again.merge(done.low(), done.encode()));
    for (std::uint64_t position = 0; position < reach + 300; ++position) {
      ASSERT_EQ(done.contains(position), model.contains(position)) << position;
      if (model.contains(position)) {
        ASSERT_TRUE(again.contains(position)) << position;
      }
    }
    ASSERT_GE(again.low(), low);
  }
}

TEST(DoneSet, CodesLongRunsShortly) {
  DoneSet done;
  ASSERT_TRUE(done.insert_range(2, 10'000'000));  // one straggler
  EXPECT_EQ(done.low(), 1U);
  EXPECT_LE(done.encode().size(), 4U);
  DoneSet again;
  ASSERT_TRUE(again.merge(done.low(), done.encode()));
  EXPECT_TRUE(again.insert(1));
  EXPECT_EQ(again.low(), 10'000'000U);
}

TEST(DoneSet, RefusesWhatIsTooFarAhead) {
  DoneSet done;
  EXPECT_FALSE(done.insert(3 * kMaxOpenSpan));
  EXPECT_TRUE(done.insert(kMaxOpenSpan));
  const std::uint64_t huge[] = {std::uint64_t{0xffffffff} << 32};
  EXPECT_FALSE(done.merge(1, huge));
  const std::uint64_t missing[] = {5, 1};
  EXPECT_FALSE(done.merge(1, missing));
}

}  // namespace
}  // namespace backsight::queue
