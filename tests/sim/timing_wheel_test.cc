// Packets leave the wheel when their time has come, in order, and none is lost.
#include "sim/serve/timing_wheel.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <vector>

namespace backsight::sim {
namespace {

constexpr std::uint64_t kStart = 1'800'000'000'000'000'000U;

TEST(TimingWheel, HoldsEachEntryUntilItsTime) {
  const std::uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random(seed);
  TimingWheel wheel(1000, kStart);
  std::vector<std::uint64_t> due(1000, 0);
  std::uint64_t now = kStart;
  std::size_t left = 0;
  std::uint32_t added = 0;
  while (added < due.size() || left > 0) {
    for (std::uint64_t n = random() % 4; n > 0 && added < due.size(); --n) {
      // Some beyond the wheel's round, some in the past.
      due[added] = now + random() % 3'000'000'000U - std::min<std::uint64_t>(now - kStart, 1000);
      wheel.add(added, due[added]);
      ++added;
      ++left;
    }
    now += random() % 20'000'000;
    std::uint64_t last = 0;
    wheel.advance(now, [&](std::uint32_t entry) {
      EXPECT_LE(due[entry], now + TimingWheel::kGrainNs);
      EXPECT_GE(due[entry] / TimingWheel::kGrainNs + 1, last);
      last = due[entry] / TimingWheel::kGrainNs;
      due[entry] = ~std::uint64_t{0};
      --left;
      return true;
    });
    for (std::uint32_t i = 0; i < added; ++i) {
      EXPECT_TRUE(due[i] == ~std::uint64_t{0} ||
                  due[i] / TimingWheel::kGrainNs >= now / TimingWheel::kGrainNs)
          << "entry " << i << " is late";
    }
  }
}

TEST(TimingWheel, OffersAgainWhatWasNotTaken) {
  TimingWheel wheel(3, kStart);
  for (std::uint32_t i = 0; i < 3; ++i) wheel.add(i, kStart + 1000);
  std::vector<std::uint32_t> offered;
  wheel.advance(kStart + 50'000, [&](std::uint32_t entry) {
    offered.push_back(entry);
    return offered.size() != 2;
  });
  wheel.advance(kStart + 60'000, [&](std::uint32_t entry) {
    offered.push_back(entry);
    return true;
  });
  EXPECT_EQ(offered, (std::vector<std::uint32_t>{0, 1, 1, 2}));
}

}  // namespace
}  // namespace backsight::sim
