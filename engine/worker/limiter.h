// How fast things may happen. Missed time is not repaid in a burst.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "engine/device/tsc.h"

namespace backsight::engine {

// One event at a time, at least 1/rate apart: destinations, prefixes, sources.
// Thread: one.
class Spacing {
 public:
  // The first moment at which the next event may happen.
  [[nodiscard]] Tsc next() const noexcept { return next_; }
  [[nodiscard]] bool allows(Tsc now) const noexcept { return next_ <= now; }
  // An event happens at `now`. A delay of up to `slack` is made up for by the next one.
  // REQUIRES: allows(now).
  void take(Tsc now, TscSpan interval, TscSpan slack) noexcept {
    const Tsc due{now.ticks > slack.ticks ? now.ticks - slack.ticks : 0};
    next_ = std::max(next_, due) + interval;
  }

 private:
  Tsc next_;
};

// Packets a second for all workers together. Exact over time: while there is something to send, a
// delay of up to 100 ms of rate is made up for, but never faster than 110% of the rate, and never
// more at once than 1 ms of rate or one packet, whichever is more. Time with nothing to send is
// gone. Thread: any; lock-free. `set_rate` is control's.
class TotalRate {
 public:
  TotalRate(std::uint64_t rate_pps, std::uint64_t hz) noexcept { set_rate(rate_pps, hz, {}); }

  // Grants at most `want` packets.
  [[nodiscard]] std::uint32_t take(Tsc now, std::uint32_t want) noexcept {
    const std::uint64_t hz = hz_.load(std::memory_order_relaxed);
    const std::uint32_t burst = peak_.take(now, want, hz);
    const std::uint32_t granted = average_.take(now, burst, hz);
    if (granted < burst) peak_.give_back(burst - granted);
    return granted;
  }
  void give_back(std::uint32_t count) noexcept {
    average_.give_back(count);
    peak_.give_back(count);
  }
  // When one more will be granted: now, or later.
  [[nodiscard]] Tsc next(Tsc now) const noexcept {
    const std::uint64_t hz = hz_.load(std::memory_order_relaxed);
    return std::max({now, peak_.next(hz), average_.next(hz)});
  }
  // There was nothing to send until now: what was not used is not owed.
  void rest_until(Tsc now) noexcept { average_.forget(now, hz_.load(std::memory_order_relaxed)); }
  void set_rate(std::uint64_t rate_pps, std::uint64_t hz, Tsc now) noexcept {
    hz_.store(hz, std::memory_order_relaxed);
    rate_pps_.store(rate_pps, std::memory_order_relaxed);
    average_.restart(now, rate_pps, std::max<std::uint64_t>(1, rate_pps / 10));
    // What is granted while a burst leaves counts as part of it.
    peak_.restart(now, rate_pps + std::max<std::uint64_t>(1, rate_pps / 10),
                  std::max<std::uint64_t>(1, rate_pps * 9 / 10'000));
  }
  [[nodiscard]] std::uint64_t rate_pps() const noexcept {
    return rate_pps_.load(std::memory_order_relaxed);
  }

 private:
  // Packets granted since `start`, never more than the time since then is worth. Their count stands
  // behind the number of the restart that it counts from: who began before a restart, with the
  // numbers of then, fails to write after it, and begins anew.
  class Line {
   public:
    void restart(Tsc now, std::uint64_t rate_pps, std::uint64_t burst) noexcept {
      start_.store(now.ticks, std::memory_order_relaxed);
      rate_.store(rate_pps, std::memory_order_relaxed);
      burst_.store(burst, std::memory_order_relaxed);
      const std::uint64_t restarts = granted_.load(std::memory_order_relaxed) >> kCountBits;
      // Release: who sees this restart sees its numbers.
      granted_.store((restarts + 1) << kCountBits, std::memory_order_release);
    }
    [[nodiscard]] std::uint32_t take(Tsc now, std::uint32_t want, std::uint64_t hz) noexcept {
      std::uint32_t count = 0;
      update([&](std::uint64_t granted) {
        const std::uint64_t burst = burst_.load(std::memory_order_relaxed);
        const std::uint64_t worth = worth_at(now, hz) + 1;
        const std::uint64_t floor = std::max(granted, worth > burst ? worth - burst : 0);
        count = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(want, worth > floor ? worth - floor : 0));
        return count == 0 ? granted : floor + count;
      });
      return count;
    }
    // When what was granted is worth less than the time since `start`: a packet more is due.
    [[nodiscard]] Tsc next(std::uint64_t hz) const noexcept {
      const std::uint64_t granted = granted_.load(std::memory_order_acquire) & kCount;
      const std::uint64_t rate = std::max<std::uint64_t>(1, rate_.load(std::memory_order_relaxed));
      const auto ticks = static_cast<std::uint64_t>((Wide{granted} * hz + rate - 1) / rate);
      return {start_.load(std::memory_order_relaxed) + ticks};
    }
    void forget(Tsc now, std::uint64_t hz) noexcept {
      update([&](std::uint64_t granted) { return std::max(granted, worth_at(now, hz)); });
    }
    // A grant from before a restart is not this line's: then there is less to take back, or
    // nothing.
    void give_back(std::uint32_t count) noexcept {
      update([count](std::uint64_t granted) {
        return granted - std::min<std::uint64_t>(granted, count);
      });
    }

   private:
    static constexpr unsigned kCountBits = 56;
    static constexpr std::uint64_t kCount = (std::uint64_t{1} << kCountBits) - 1;

    // Makes the count `next(count)`. The line's numbers are read between the count and its change.
    template <typename Next>
    void update(Next next) noexcept {
      // Acquire: the numbers are those of the restart counted from, or of a later one.
      std::uint64_t before = granted_.load(std::memory_order_acquire);
      for (;;) {
        const std::uint64_t after = (before & ~kCount) | (next(before & kCount) & kCount);
        if (after == before) return;
        if (granted_.compare_exchange_weak(before, after, std::memory_order_acquire)) return;
      }
    }
    [[nodiscard]] std::uint64_t worth_at(Tsc now, std::uint64_t hz) const noexcept {
      const TscSpan age = now.since({start_.load(std::memory_order_relaxed)});
      return static_cast<std::uint64_t>(Wide{age.ticks} * rate_.load(std::memory_order_relaxed) /
                                        hz);
    }

    std::atomic<std::uint64_t> start_{0};
    std::atomic<std::uint64_t> rate_{0};
    std::atomic<std::uint64_t> burst_{0};
    std::atomic<std::uint64_t> granted_{0};
  };

  std::atomic<std::uint64_t> hz_{1};
  std::atomic<std::uint64_t> rate_pps_{0};
  alignas(64) Line average_;
  Line peak_;
};

}  // namespace backsight::engine
