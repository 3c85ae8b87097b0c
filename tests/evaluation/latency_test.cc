#include "evaluation/latency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace backsight::evaluation {
namespace {

TEST(LatencyHistogram, TellsQuantilesWithinOnePercentOfTheSortedList) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> draw(0, 2);
  LatencyHistogram histogram;
  std::vector<double> all;
  for (int i = 0; i < 20'000; ++i) {
    const double seconds = std::clamp(draw(random), 2e-3, 5e3);
    all.push_back(seconds);
    histogram.add(seconds);
  }
  std::ranges::sort(all);
  for (const double quantile : {0.01, 0.1, 0.5, 0.9, 0.99, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(quantile * 20'000)) - 1;
    EXPECT_NEAR(histogram.quantile_s(quantile) / all[rank], 1, 0.011) << quantile;
  }
  EXPECT_EQ(histogram.total(), 20'000U);
}

TEST(LatencyHistogram, TakesWhatIsTooShortAndTooLongIntoItsEnds) {
  LatencyHistogram histogram;
  histogram.add(0);
  histogram.add(1e12);
  EXPECT_EQ(histogram.count(0), 1U);
  EXPECT_EQ(histogram.count(LatencyHistogram::kSteps - 1), 1U);
}

TEST(LatencyHistogram, OfNothingIsZero) { EXPECT_EQ(LatencyHistogram().quantile_s(0.5), 0); }

}  // namespace
}  // namespace backsight::evaluation
