// A schedule with what watches it: a bookkeeper of the rules, and a rig that feeds it on fake time.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "engine/worker/schedule.h"
#include "fake_time.h"
#include "probes/ip/network.h"
#include "tests/support/random.h"

namespace backsight::engine {

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
    EXPECT_TRUE(watch(prefixes_, probes::network_of(send.dst), limits_.per_prefix24_pps).sent(now));
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

inline Send random_send(testing::Random& random, std::uint32_t prefixes, std::uint32_t hosts,
                        std::uint32_t sources) {
  Send send{.dst = address(static_cast<std::uint32_t>(random.below(prefixes)),
                           static_cast<std::uint32_t>(random.below(hosts)))};
  if (sources != 0 && random.one_in(2)) {
    send.spoofed_src = source(static_cast<std::uint32_t>(random.below(sources)));
  }
  send.has_options = random.one_in(2);
  return send;
}

}  // namespace backsight::engine
