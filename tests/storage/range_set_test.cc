#include "storage/range_set.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace backsight::storage {
namespace {

TEST(RangeSet, DoesWhatASetOfNumbersDoes) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    RangeSet set;
    std::vector<bool> model(130);
    for (int step = 0; step < 40; ++step) {
      const std::uint64_t begin = 1 + random() % 100;
      const std::uint64_t end = begin + random() % 12;
      set.insert(begin, end);
      for (std::uint64_t i = begin; i < end; ++i) model[i] = true;
      std::uint64_t low = 1;
      while (model[low]) ++low;
      ASSERT_EQ(set.low(), low);
      std::uint64_t gap_end = low;
      while (gap_end < model.size() && !model[gap_end]) ++gap_end;
      ASSERT_EQ(set.gap_end().value_or(model.size()), gap_end);
      const std::uint64_t from = 1 + random() % 100;
      const std::uint64_t to = from + random() % 12;
      bool has_all = true;
      for (std::uint64_t i = from; i < to; ++i) has_all = has_all && model[i];
      ASSERT_EQ(set.contains(from, to), has_all) << from << ".." << to;
    }
  }
}

}  // namespace
}  // namespace backsight::storage
