// The schedule on a clock that the test moves. A bookkeeper of its own watches every limit.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "schedule_rig.h"

namespace backsight::engine {
namespace {

TEST(Schedule, NeverExceedsAnyLimitAndLosesNothing) {
  BACKSIGHT_RANDOM(random);
  constexpr std::array<std::uint64_t, 8> kRates = {0, 0, 1, 7, 10, 100, 1000, 50'000};
  const auto rate = [&] { return kRates[random.below(kRates.size())]; };
  for (int round = 0; round < 150 && !HasFailure(); ++round) {
    const ScheduleLimits limits{rate(), rate(), rate(), rate()};
    SCOPED_TRACE(::testing::Message()
                 << "round " << round << ": options " << limits.options_pps << ", destination "
                 << limits.per_destination_pps << ", prefix " << limits.per_prefix24_pps
                 << ", source " << limits.per_source_pps);
    Rig rig(limits, 300, static_cast<std::uint32_t>(50 + random.below(400)));
    const auto prefixes = static_cast<std::uint32_t>(1 + random.below(30));
    const auto hosts = static_cast<std::uint32_t>(1 + random.below(20));
    const auto sources = static_cast<std::uint32_t>(random.below(6));
    for (int step = 0; step < 1500 && !HasFailure(); ++step) {
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        static_cast<void>(rig.push(random_send(random, prefixes, hosts, sources)));
      }
      for (std::uint64_t i = random.below(64); i > 0 && rig.pop(); --i) {
      }
      if (random.one_in(50)) {
        rig.sleep();
      } else {
        rig.now = rig.now +
                  TscSpan{random.below(random.one_in(100) ? 100 * kTicksPerMs : 50 * kTicksPerUs)};
      }
    }
    rig.drain();
  }
}

// How long `count` sends take at the least under a limit.
double seconds_for(std::uint64_t count, std::uint64_t pps) {
  return count == 0 || pps == 0 ? 0 : static_cast<double>(count - 1) / static_cast<double>(pps);
}

// All tasks are there at once: no schedule that keeps the limits is done before the busiest
// destination, prefix, source or the options are.
void expect_near_the_best(const ScheduleLimits& limits, const std::vector<Send>& sends,
                          double tolerance) {
  Rig rig(limits, static_cast<std::uint32_t>(sends.size()), 20'000);
  std::map<std::uint32_t, std::uint64_t> by_destination;
  std::map<std::uint32_t, std::uint64_t> by_prefix;
  std::map<std::uint32_t, std::uint64_t> by_source;
  std::uint64_t with_options = 0;
  double best = 0;
  for (const Send& send : sends) {
    ASSERT_TRUE(rig.push(send));
    best =
        std::max(best, seconds_for(++by_destination[send.dst.value], limits.per_destination_pps));
    best = std::max(
        best, seconds_for(++by_prefix[probes::network_of(send.dst)], limits.per_prefix24_pps));
    if (!send.spoofed_src.is_unspecified()) {
      best =
          std::max(best, seconds_for(++by_source[send.spoofed_src.value], limits.per_source_pps));
    }
    if (send.has_options) best = std::max(best, seconds_for(++with_options, limits.options_pps));
  }
  const double took = static_cast<double>(rig.drain().ticks) / kTicksPerSecond;
  EXPECT_EQ(rig.popped, sends.size());
  EXPECT_LE(took, best * tolerance + 0.01) << "the best possible is " << best << " s";
}

TEST(Schedule, IsAsFastAsADestinationAllows) {
  std::vector<Send> sends;
  for (std::uint32_t i = 0; i < 2000; ++i) sends.push_back({.dst = address(i % 20, 1)});
  expect_near_the_best({.per_destination_pps = 10}, sends, 1.01);
}

TEST(Schedule, IsAsFastAsAPrefixAllows) {
  std::vector<Send> sends;
  for (std::uint32_t i = 0; i < 5000; ++i) sends.push_back({.dst = address(i % 5, i / 5 % 200)});
  expect_near_the_best({.per_destination_pps = 10, .per_prefix24_pps = 100}, sends, 1.02);
}

TEST(Schedule, IsAsFastAsTheOptionsAllow) {
  std::vector<Send> sends;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    sends.push_back({.dst = address(i % 500, 1), .has_options = true});
  }
  expect_near_the_best({.options_pps = 1000, .per_destination_pps = 10, .per_prefix24_pps = 100},
                       sends, 1.01);
}

TEST(Schedule, IsAsFastAsASourceAllows) {
  std::vector<Send> sends;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    sends.push_back({.dst = address(i % 500, 1), .spoofed_src = source(i % 4)});
  }
  expect_near_the_best({.per_destination_pps = 10, .per_prefix24_pps = 100, .per_source_pps = 100},
                       sends, 1.02);
}

TEST(Schedule, IsNearTheBestWhenAllLimitsHoldTogether) {
  BACKSIGHT_RANDOM(random);
  std::vector<Send> sends;
  for (int i = 0; i < 5000; ++i) sends.push_back(random_send(random, 400, 50, 50));
  expect_near_the_best(
      {.options_pps = 500, .per_destination_pps = 10, .per_prefix24_pps = 50, .per_source_pps = 50},
      sends, 1.12);
}

TEST(Schedule, LetsProbesWithoutOptionsGoWhileThoseWithThemWait) {
  Rig rig({.options_pps = 1, .per_destination_pps = 10, .per_prefix24_pps = 100}, 200, 1000);
  for (std::uint32_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(rig.push({.dst = address(i, 1), .has_options = true}));
  }
  for (std::uint32_t i = 50; i < 100; ++i) ASSERT_TRUE(rig.push({.dst = address(i, 1)}));
  rig.pop_all();
  EXPECT_EQ(rig.popped, 51U) << "all without, and one with";
}

TEST(Schedule, DoesNotHitAPrefixTwiceInARowWhileAnotherCouldGo) {
  BACKSIGHT_RANDOM(random);
  for (const ScheduleLimits& limits :
       {ScheduleLimits{.per_destination_pps = 1'000'000},
        ScheduleLimits{.per_prefix24_pps = 100'000},
        ScheduleLimits{.per_destination_pps = 1000, .per_prefix24_pps = 100'000}}) {
    Rig rig(limits, 1000, 2000);
    std::map<std::uint32_t, std::uint64_t> left;
    for (int i = 0; i < 1000; ++i) {
      // Most of them into one prefix.
      const Send send{
          .dst = address(random.one_in(3) ? 1 + static_cast<std::uint32_t>(random.below(20)) : 0,
                         static_cast<std::uint32_t>(random.below(200)))};
      ASSERT_TRUE(rig.push(send));
      ++left[probes::network_of(send.dst)];
    }
    std::optional<std::uint32_t> last;
    while (rig.schedule.waiting() != 0) {
      rig.now = rig.now + TscSpan{2 * kTicksPerMs};  // any prefix may go again
      const auto send = rig.pop();
      ASSERT_TRUE(send);
      const std::uint32_t prefix = probes::network_of(send->dst);
      const auto others = std::ranges::count_if(
          left, [&](const auto& it) { return it.first != prefix && it.second != 0; });
      if (last == prefix) {
        ASSERT_EQ(others, 0) << "with " << left[prefix] << " left";
      }
      last = prefix;
      if (--left[prefix] == 0) left.erase(prefix);
    }
  }
}

// One prefix has far more to send than all others, and more comes all the time.
TEST(Schedule, StarvesNobody) {
  Rig rig({.per_destination_pps = 1000, .per_prefix24_pps = 10'000}, 5000, 5000);
  std::uint32_t host = 0;
  const auto fill = [&] {
    while (rig.push({.dst = address(0, host++ % 200)}) && rig.schedule.waiting() < 4000) {
    }
  };
  fill();
  for (std::uint32_t i = 1; i <= 50; ++i) ASSERT_TRUE(rig.push({.dst = address(i, 1)}));
  std::map<std::uint32_t, int> hits;
  for (int i = 0; i < 120; ++i) {
    fill();
    rig.now = rig.now + at_ms(1).since({});
    const auto send = rig.pop();
    ASSERT_TRUE(send);
    ++hits[probes::network_of(send->dst)];
  }
  EXPECT_EQ(hits.size(), 51U);
}

TEST(Schedule, LetsADestinationGoWhileAnotherOfItsPrefixWaitsForItsOwnLimit) {
  Rig rig({.per_destination_pps = 1, .per_prefix24_pps = 1000}, 3000, 64);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(rig.push({.dst = address(0, 1)}));
  rig.pop_all();
  EXPECT_EQ(rig.popped, 1U);
  for (std::uint32_t host = 2; host < 40; ++host) {
    rig.now = rig.now + at_ms(2).since({});
    ASSERT_TRUE(rig.push({.dst = address(0, host)}));
    ASSERT_TRUE(rig.push({.dst = address(0, host)}));
    rig.pop_all();
    EXPECT_EQ(rig.popped, host) << "the first of the two goes at once";
  }
  rig.drain();
}

TEST(Schedule, ServesTheDestinationsOfAPrefixInTurn) {
  Rig rig({.per_prefix24_pps = 1000}, 100, 100);
  for (std::uint32_t i = 0; i < 40; ++i) ASSERT_TRUE(rig.push({.dst = address(0, 1)}));
  for (std::uint32_t host = 2; host < 6; ++host) ASSERT_TRUE(rig.push({.dst = address(0, host)}));
  std::vector<std::uint32_t> first;
  while (first.size() < 5) {
    if (const auto send = rig.pop()) first.push_back(send->dst.value & 0xff);
    rig.sleep();
  }
  EXPECT_EQ(first, (std::vector<std::uint32_t>{1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace backsight::engine
