// The total rate and spacings, on a clock that the test moves.
#include "engine/worker/limiter.h"

#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "fake_time.h"
#include "tests/support/random.h"

namespace backsight::engine {
namespace {

constexpr Tsc kStart = at_ms(5'000);
constexpr std::array<std::uint64_t, 9> kRates = {10,     99,      300,       1'000,    10'000,
                                                 77'777, 500'000, 1'000'000, 5'000'000};

std::uint64_t burst_of(std::uint64_t rate) { return std::max<std::uint64_t>(1, rate / 1000); }

TEST(TotalRate, IsExactOverFiveSecondsAtEveryRate) {
  BACKSIGHT_RANDOM(random);
  for (const std::uint64_t rate : kRates) {
    TotalRate total(rate, kTicksPerSecond);
    total.set_rate(rate, kTicksPerSecond, kStart);
    std::uint64_t granted = 0;
    Tsc now = kStart;
    const Tsc end = kStart + TscSpan{5 * kTicksPerSecond};
    for (; now < end; now = now + TscSpan{1 + random.below(40 * kTicksPerUs)}) {
      const std::uint32_t got = total.take(now, 256);
      ASSERT_LE(got, burst_of(rate));
      granted += got;
      const std::uint64_t worth = rate * now.since(kStart).ticks / kTicksPerSecond + 1;
      ASSERT_LE(granted, worth) << rate << " pps";
    }
    const double expected = 5.0 * static_cast<double>(rate);
    EXPECT_NEAR(static_cast<double>(granted), expected, std::max(1.0, expected * 0.001)) << rate;
  }
}

TEST(TotalRate, NeverGrantsMoreAtOnceThanAMillisecondIsWorth) {
  for (const std::uint64_t rate : kRates) {
    TotalRate total(rate, kTicksPerSecond);
    total.set_rate(rate, kTicksPerSecond, kStart);
    const Tsc now = kStart + TscSpan{10 * kTicksPerSecond};
    std::uint64_t at_once = 0;
    for (int i = 0; i < 1000; ++i) at_once += total.take(now, 64);
    EXPECT_LE(at_once, burst_of(rate)) << rate;
    EXPECT_GE(at_once, 1U) << rate;
  }
}

// After a pause of ten seconds.
TEST(TotalRate, MakesUpForATenthOfASecondAtMostAndNeverFasterThanATenthMore) {
  for (const std::uint64_t rate : kRates) {
    TotalRate total(rate, kTicksPerSecond);
    total.set_rate(rate, kTicksPerSecond, kStart);
    static_cast<void>(total.take(kStart, 64));
    const Tsc resumed = kStart + TscSpan{10 * kTicksPerSecond};
    std::uint64_t granted = 0;
    std::deque<std::pair<std::uint64_t, std::uint32_t>> last_second;
    std::uint64_t in_last_second = 0;
    const std::uint64_t step = 20 * kTicksPerUs;
    for (std::uint64_t tick = 0; tick < 3 * kTicksPerSecond; tick += step) {
      const std::uint32_t got = total.take(resumed + TscSpan{tick}, 128);
      granted += got;
      in_last_second += got;
      last_second.emplace_back(tick, got);
      while (last_second.front().first + kTicksPerSecond <= tick) {
        in_last_second -= last_second.front().second;
        last_second.pop_front();
      }
      ASSERT_LE(in_last_second, rate + std::max<std::uint64_t>(1, rate / 10) + burst_of(rate) + 1)
          << rate;
    }
    const std::uint64_t debt = std::max<std::uint64_t>(1, rate / 10);
    EXPECT_LE(granted, 3 * rate + debt + 1) << rate;
    EXPECT_GE(granted, 3 * rate + debt - 1 - debt / 50) << rate;
  }
}

TEST(TotalRate, GrantsNoMoreThanWanted) {
  TotalRate total(1'000'000, kTicksPerSecond);
  total.set_rate(1'000'000, kTicksPerSecond, kStart);
  const Tsc now = kStart + TscSpan{kTicksPerSecond};
  EXPECT_EQ(total.take(now, 0), 0U);
  EXPECT_EQ(total.take(now, 7), 7U);
}

TEST(TotalRate, GrantsAgainWhatWasGivenBack) {
  TotalRate total(1000, kTicksPerSecond);
  total.set_rate(1000, kTicksPerSecond, kStart);
  ASSERT_EQ(total.take(kStart, 64), 1U);
  ASSERT_EQ(total.take(kStart, 64), 0U);
  total.give_back(1);
  EXPECT_EQ(total.take(kStart, 64), 1U);
}

TEST(TotalRate, TellsWhenItGrantsOneMore) {
  BACKSIGHT_RANDOM(random);
  for (const std::uint64_t rate : kRates) {
    TotalRate total(rate, kTicksPerSecond);
    total.set_rate(rate, kTicksPerSecond, kStart);
    Tsc now = kStart;
    for (int i = 0; i < 1000; ++i) {
      while (total.take(now, 64) != 0) {
      }
      const Tsc next = total.next(now);
      ASSERT_GT(next, now) << rate;
      EXPECT_EQ(total.take({next.ticks - 1}, 1), 0U) << rate;
      EXPECT_EQ(total.next(now), next);
      now = next;
      EXPECT_EQ(total.next(now), now);
      ASSERT_EQ(total.take(now, 1), 1U) << rate;
      now = now + TscSpan{random.below(2 * kTicksPerMs)};
    }
  }
}

TEST(TotalRate, GoesOnAtTheNewRateWhenItIsChanged) {
  TotalRate total(1000, kTicksPerSecond);
  total.set_rate(1000, kTicksPerSecond, kStart);
  for (const std::uint64_t rate : {1000U, 50U, 200'000U}) {
    const Tsc changed = kStart + TscSpan{rate * kTicksPerSecond};
    total.set_rate(rate, kTicksPerSecond, changed);
    EXPECT_EQ(total.rate_pps(), rate);
    std::uint64_t granted = 0;
    for (std::uint64_t tick = 0; tick < 2 * kTicksPerSecond; tick += 10 * kTicksPerUs) {
      granted += total.take(changed + TscSpan{tick}, 64);
    }
    EXPECT_NEAR(static_cast<double>(granted), 2.0 * static_cast<double>(rate),
                2 + static_cast<double>(rate) * 0.002);
  }
}

// A worker has taken its share and not used it when the rate is set anew.
TEST(TotalRate, GoesOnWhenGrantsOfTheOldRateAreGivenBackToTheNewOne) {
  TotalRate total(1'000'000, kTicksPerSecond);
  total.set_rate(1'000'000, kTicksPerSecond, kStart);
  const Tsc now = kStart + TscSpan{kTicksPerSecond};
  const std::uint32_t granted = total.take(now, 64);
  ASSERT_EQ(granted, 64U);
  total.set_rate(1'000'000, kTicksPerSecond, now);
  total.give_back(granted);
  std::uint64_t later = 0;
  for (std::uint64_t tick = 0; tick < kTicksPerSecond; tick += 10 * kTicksPerUs) {
    later += total.take(now + TscSpan{tick}, 64);
  }
  EXPECT_NEAR(static_cast<double>(later), 1'000'000.0, 2000.0);
}

// A grant that began before the change must not end after it with the old numbers.
TEST(TotalRate, GoesOnAtOnceWhenItIsSetWhileAWorkerTakes) {
  constexpr std::uint64_t kRate = 100'000;
  TotalRate total(kRate, kTicksPerSecond);
  std::atomic<std::uint64_t> clock{kStart.ticks};
  std::atomic<bool> has_begun{false};
  std::atomic<bool> is_over{false};
  std::thread worker([&] {
    has_begun = true;
    while (!is_over) static_cast<void>(total.take({clock}, 1));
  });
  while (!has_begun) std::this_thread::yield();
  unsigned stalls = 0;
  for (int i = 0; i < 200'000; ++i) {
    const Tsc changed{clock += kTicksPerSecond};
    total.set_rate(kRate, kTicksPerSecond, changed);
    stalls += total.take(changed + TscSpan{kTicksPerSecond / 500}, 64) == 0 ? 1 : 0;
  }
  is_over = true;
  worker.join();
  EXPECT_EQ(stalls, 0U);
}

TEST(TotalRate, IsNotExceededByThreadsThatShareIt) {
  constexpr std::uint64_t kRate = 100'000;
  TotalRate total(kRate, kTicksPerSecond);
  total.set_rate(kRate, kTicksPerSecond, kStart);
  std::atomic<std::uint64_t> clock{kStart.ticks};
  std::atomic<std::uint64_t> granted{0};
  const std::uint64_t end = kStart.ticks + 2 * kTicksPerSecond;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      testing::Random random(i);
      for (;;) {
        const std::uint64_t now = clock.fetch_add(5 * kTicksPerUs, std::memory_order_relaxed);
        if (now >= end) return;
        const std::uint32_t got = total.take({now}, 64);
        const auto unused = static_cast<std::uint32_t>(random.below(got + 1U));
        if (unused != 0) total.give_back(unused);
        granted.fetch_add(got - unused, std::memory_order_relaxed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(granted, 2 * kRate + 1);
  EXPECT_GE(granted, 2 * kRate * 98 / 100);
}

TEST(Spacing, KeepsEventsApartAndMakesUpForASlackOfDelay) {
  BACKSIGHT_RANDOM(random);
  constexpr TscSpan kInterval{1000};
  constexpr TscSpan kSlack{125};
  Spacing spacing;
  Tsc now{1'000'000};
  std::uint64_t furthest = 0;  // the earliest that the next event may come, but for the slack
  const Tsc start = now;
  std::uint64_t events = 0;
  while (events < 100'000) {
    now = now + TscSpan{random.below(random.one_in(1000) ? 50'000 : 90)};
    if (!spacing.allows(now)) continue;
    ASSERT_GE(now.ticks + kSlack.ticks, furthest);
    spacing.take(now, kInterval, kSlack);
    furthest = std::max(furthest, now.ticks) + kInterval.ticks;
    ++events;
  }
  EXPECT_GE(now.since(start).ticks + kInterval.ticks + kSlack.ticks, events * kInterval.ticks);
}

TEST(Spacing, IsExactWhenWakeUpsAreLateByLessThanTheSlack) {
  BACKSIGHT_RANDOM(random);
  Spacing spacing;
  Tsc now{1'000'000};
  const Tsc start = now;
  constexpr std::uint64_t kEvents = 10'000;
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    spacing.take(now, {1000}, {125});
    now = spacing.next() + TscSpan{random.below(120)};
  }
  EXPECT_NEAR(static_cast<double>(now.since(start).ticks), 1000.0 * kEvents, 1500);
}

}  // namespace
}  // namespace backsight::engine
