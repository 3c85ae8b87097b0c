// The schedule on a clock that the test moves. A bookkeeper of its own watches every limit.
#include "engine/worker/schedule.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "fake_time.h"
#include "random.h"

namespace backsight::engine {
namespace {

using probes::Ipv4Addr;

// A Schedule::Send of which a test names only what matters.
struct Send {
  Ipv4Addr dst{};
  Ipv4Addr spoofed_src{};
  bool has_options = false;

  operator Schedule::Send() const { return {dst, spoofed_src, has_options}; }  // NOLINT
};

constexpr Tsc kStart = at_ms(10'000);

// Destination `host` of the /24 number `prefix`.
constexpr Ipv4Addr address(std::uint32_t prefix, std::uint32_t host) {
  return {0x0a000000 + (prefix << 8) + host};
}
constexpr Ipv4Addr source(std::uint32_t number) { return {0xc6336400 + number}; }

// One limit of one thing: from any send to the n-th after it, n intervals pass, less a slack for
// late wake-ups that the schedule may make up for once.
class Watch {
 public:
  explicit Watch(std::uint64_t pps)
      : interval_(pps == 0 ? 0 : kTicksPerSecond / pps),
        slack_(std::max(kTicksPerSecond / 10'000, std::min(kTicksPerMs, interval_ / 8))) {}

  ::testing::AssertionResult sent(Tsc now) {
    if (interval_ == 0) return ::testing::AssertionSuccess();
    if (now.ticks + slack_ < earliest_) {
      return ::testing::AssertionFailure()
             << earliest_ - now.ticks << " ns too early, interval " << interval_ << " ns";
    }
    earliest_ = std::max(earliest_, now.ticks) + interval_;
    last_second_.push_back(now.ticks);
    while (last_second_.front() + kTicksPerSecond <= now.ticks) last_second_.pop_front();
    const std::uint64_t rate = kTicksPerSecond / interval_;
    // What the slack lets through beyond the rate: one, and of fast limits a ten-thousandth.
    if (last_second_.size() > rate + 1 + slack_ / interval_ + 1) {
      return ::testing::AssertionFailure()
             << last_second_.size() << " in a second, the limit is " << rate;
    }
    return ::testing::AssertionSuccess();
  }

 private:
  std::uint64_t interval_;
  std::uint64_t slack_;
  std::uint64_t earliest_ = 0;
  std::deque<std::uint64_t> last_second_;
};

// Watches all limits, that nothing is lost, and the order within a destination.
class Bookkeeper {
 public:
  explicit Bookkeeper(const ScheduleLimits& limits)
      : limits_(limits), options_(limits.options_pps) {}

  void pushed(std::uint32_t item, const Send& send) {
    waiting_[item] = send;
    line_of(send).push_back(item);
  }

  void popped(std::uint32_t item, Tsc now) {
    ASSERT_EQ(waiting_.count(item), 1U) << "item " << item << " is not in the schedule";
    const Send send = waiting_[item];
    waiting_.erase(item);
    auto& line = line_of(send);
    ASSERT_EQ(line.front(), item) << "overtaken on the way to its destination";
    line.pop_front();
    EXPECT_TRUE(watch(destinations_, send.dst.value, limits_.per_destination_pps).sent(now));
    EXPECT_TRUE(watch(prefixes_, send.dst.value >> 8, limits_.per_prefix24_pps).sent(now));
    if (!send.spoofed_src.is_unspecified()) {
      EXPECT_TRUE(watch(sources_, send.spoofed_src.value, limits_.per_source_pps).sent(now));
    }
    if (send.has_options) {
      EXPECT_TRUE(options_.sent(now));
    }
  }

  std::size_t waiting() const { return waiting_.size(); }

 private:
  // What no limit holds need not wait for what one holds.
  std::deque<std::uint32_t>& line_of(const Send& send) {
    const bool is_held = limits_.per_destination_pps != 0 || limits_.per_prefix24_pps != 0 ||
                         (limits_.options_pps != 0 && send.has_options) ||
                         (limits_.per_source_pps != 0 && !send.spoofed_src.is_unspecified());
    return lines_[{send.dst, is_held}];
  }
  static Watch& watch(std::map<std::uint32_t, Watch>& watches, std::uint32_t key,
                      std::uint64_t pps) {
    return watches.try_emplace(key, pps).first->second;
  }

  ScheduleLimits limits_;
  Watch options_;
  std::map<std::uint32_t, Send> waiting_;
  std::map<std::pair<Ipv4Addr, bool>, std::deque<std::uint32_t>> lines_;
  std::map<std::uint32_t, Watch> destinations_;
  std::map<std::uint32_t, Watch> prefixes_;
  std::map<std::uint32_t, Watch> sources_;
};

// A schedule with its bookkeeper, and the worker that asks it again and again.
class Rig {
 public:
  Rig(const ScheduleLimits& limits, std::uint32_t items, std::uint32_t places)
      : schedule(limits, items, places, kTicksPerSecond), books(limits) {
    for (std::uint32_t i = items; i-- > 0;) free_.push_back(i);
  }

  bool push(const Send& send) {
    if (free_.empty()) return false;
    const std::uint32_t item = free_.back();
    if (!schedule.push(item, send, now)) return false;
    free_.pop_back();
    books.pushed(item, send);
    sends_[item] = send;
    return true;
  }

  std::optional<Send> pop() {
    const auto item = schedule.pop(now);
    if (!item) return std::nullopt;
    books.popped(*item, now);
    free_.push_back(*item);
    ++popped;
    return sends_[*item];
  }

  // Takes all that may leave now.
  void pop_all() {
    while (!::testing::Test::HasFatalFailure() && pop()) {
    }
    EXPECT_EQ(schedule.waiting(), books.waiting());
  }

  // Moves to the moment that the schedule names. Returns false when nothing waits.
  bool sleep() {
    const auto wake = schedule.next_wake(now);
    EXPECT_EQ(wake.has_value(), books.waiting() != 0) << "who waits is woken";
    if (!wake) return false;
    now = std::max(now + TscSpan{1}, *wake);
    return true;
  }

  // Until nothing waits; how long it took.
  TscSpan drain() {
    const Tsc from = now;
    do {
      pop_all();
    } while (!::testing::Test::HasFailure() && sleep());
    EXPECT_EQ(books.waiting(), 0U);
    return now.since(from);
  }

  Schedule schedule;
  Bookkeeper books;
  Tsc now = kStart;
  std::uint64_t popped = 0;

 private:
  std::vector<std::uint32_t> free_;
  std::map<std::uint32_t, Send> sends_;
};

Send random_send(Random& random, std::uint32_t prefixes, std::uint32_t hosts,
                 std::uint32_t sources) {
  Send send{.dst = address(static_cast<std::uint32_t>(random.below(prefixes)),
                           static_cast<std::uint32_t>(random.below(hosts)))};
  if (sources != 0 && random.one_in(2)) {
    send.spoofed_src = source(static_cast<std::uint32_t>(random.below(sources)));
  }
  send.has_options = random.one_in(2);
  return send;
}

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
    best = std::max(best, seconds_for(++by_prefix[send.dst.value >> 8], limits.per_prefix24_pps));
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
      ++left[send.dst.value >> 8];
    }
    std::optional<std::uint32_t> last;
    while (rig.schedule.waiting() != 0) {
      rig.now = rig.now + TscSpan{2 * kTicksPerMs};  // any prefix may go again
      const auto send = rig.pop();
      ASSERT_TRUE(send);
      const std::uint32_t prefix = send->dst.value >> 8;
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
    ++hits[send->dst.value >> 8];
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

TEST(Schedule, LetsEverythingGoAtOnceWhenNoLimitIsOn) {
  Rig rig({}, 1000, 64);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(rig.push({.dst = address(0, 1), .has_options = true}));
  rig.pop_all();
  EXPECT_EQ(rig.popped, 1000U);
  EXPECT_FALSE(rig.schedule.next_wake(rig.now));
}

TEST(Schedule, SaysWhenItsTablesAreFullAndTakesMoreWhenTheirLimitsHaveRunOut) {
  Rig rig({.per_destination_pps = 10}, 1000, 64);
  std::uint32_t taken = 0;
  while (rig.push({.dst = address(taken, 1)})) ++taken;
  EXPECT_EQ(taken, 64U);
  rig.pop_all();
  EXPECT_EQ(rig.popped, 64U);
  EXPECT_FALSE(rig.push({.dst = address(1000, 1)})) << "the limits of the first 64 still run";
  EXPECT_TRUE(rig.push({.dst = address(3, 1)})) << "who has a place keeps it";
  rig.now = rig.now + at_ms(101).since({});
  rig.pop_all();
  for (std::uint32_t i = 1000; i < 1063; ++i) ASSERT_TRUE(rig.push({.dst = address(i, 1)})) << i;
  rig.drain();
}

// The second send of a destination comes after a look for another place for somebody else.
TEST(Schedule, ForgetsNoLimitThatStillRuns) {
  BACKSIGHT_RANDOM(random);
  Rig rig({.per_destination_pps = 5, .per_prefix24_pps = 20}, 500, 64);
  for (int step = 0; step < 20'000 && !HasFailure(); ++step) {
    static_cast<void>(rig.push(random_send(random, 200, 2, 0)));
    while (rig.pop()) {
    }
    rig.now = rig.now + TscSpan{random.below(kTicksPerMs)};
  }
  rig.drain();
}

TEST(Schedule, WaitsForAPlaceWhenThereAreMoreSourcesThanItRemembers) {
  Rig rig({.per_source_pps = 10}, 6000, 8000);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    ASSERT_TRUE(rig.push({.dst = address(i, 1), .spoofed_src = source(i)}));
  }
  rig.pop_all();
  EXPECT_LE(rig.popped, 4096U);
  rig.drain();
  EXPECT_EQ(rig.popped, 5000U);
}

// Limits that are switched while items wait: nothing is lost, and the new limit holds for all.
TEST(Schedule, KeepsALimitThatIsSwitchedOnWhileItemsWait) {
  Schedule schedule({}, 1000, 1000, kTicksPerSecond);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(schedule.push(i, Send{.dst = address(i % 10, 1)}, kStart));
  }
  schedule.set_limits({.per_destination_pps = 10});
  std::map<std::uint32_t, Watch> watches;
  std::vector<bool> is_sent(1000);
  Tsc now = kStart;
  std::uint64_t count = 0;
  while (const auto wake = schedule.next_wake(now)) {
    now = std::max(now + TscSpan{1}, *wake);
    ASSERT_LT(now.since(kStart).ticks, 12 * kTicksPerSecond);
    while (const auto item = schedule.pop(now)) {
      ASSERT_FALSE(is_sent[*item]);
      is_sent[*item] = true;
      ++count;
      ASSERT_TRUE(watches.try_emplace(*item % 10, 10).first->second.sent(now)) << count;
    }
  }
  EXPECT_EQ(count, 1000U);
  EXPECT_EQ(schedule.waiting(), 0U);
}

TEST(Schedule, LosesNothingWhenLimitsAreSwitchedAgainAndAgain) {
  BACKSIGHT_RANDOM(random);
  constexpr std::array<std::uint64_t, 5> kRates = {0, 0, 20, 500, 100'000};
  const auto rate = [&] { return kRates[random.below(kRates.size())]; };
  Schedule schedule({}, 400, 300, kTicksPerSecond);
  std::vector<std::uint32_t> free;
  for (std::uint32_t i = 0; i < 400; ++i) free.push_back(i);
  std::map<std::uint32_t, bool> inside;
  Tsc now = kStart;
  const auto pop_all = [&] {
    while (const auto item = schedule.pop(now)) {
      ASSERT_TRUE(inside[*item]) << *item;
      inside[*item] = false;
      free.push_back(*item);
    }
  };
  for (int step = 0; step < 30'000 && !HasFatalFailure(); ++step) {
    if (random.one_in(50)) schedule.set_limits({rate(), rate(), rate(), rate()});
    if (!free.empty() && schedule.push(free.back(), random_send(random, 10, 5, 4), now)) {
      inside[free.back()] = true;
      free.pop_back();
    }
    pop_all();
    now = now + TscSpan{random.below(2 * kTicksPerMs)};
  }
  for (int step = 0; step < 1'000'000 && schedule.waiting() != 0 && !HasFatalFailure(); ++step) {
    const auto wake = schedule.next_wake(now);
    ASSERT_TRUE(wake);
    now = std::max(now + TscSpan{kTicksPerUs}, *wake);
    pop_all();
  }
  EXPECT_EQ(free.size(), 400U);
  EXPECT_EQ(schedule.waiting(), 0U);
}

// Wake-ups come late, as those of a worker that naps.
TEST(Schedule, KeepsTheRateWhenItIsAskedALittleLate) {
  BACKSIGHT_RANDOM(random);
  Rig rig({.per_destination_pps = 1000}, 5000, 64);
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(rig.push({.dst = address(0, 1)}));
  while (rig.schedule.waiting() != 0 && !HasFailure()) {
    rig.pop_all();
    rig.sleep();
    rig.now = rig.now + TscSpan{random.below(100 * kTicksPerUs)};
  }
  EXPECT_NEAR(static_cast<double>(rig.now.since(kStart).ticks) / kTicksPerSecond, 5.0, 0.02);
}

}  // namespace
}  // namespace backsight::engine
