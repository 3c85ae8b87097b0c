// Time inside the engine: ticks of the CPU's time stamp counter. Conversions live here alone.
#pragma once

#include <rte_cycles.h>

#include <atomic>
#include <compare>
#include <cstdint>

namespace backsight::engine {

// Products of ticks and rates need more than 64 bits.
__extension__ using Wide = unsigned __int128;

// A span of ticks.
struct TscSpan {
  std::uint64_t ticks = 0;

  friend constexpr auto operator<=>(const TscSpan&, const TscSpan&) = default;
};

// A moment, in ticks since some moment before the process started.
struct Tsc {
  std::uint64_t ticks = 0;

  friend constexpr auto operator<=>(const Tsc&, const Tsc&) = default;
  friend constexpr Tsc operator+(Tsc at, TscSpan span) noexcept { return {at.ticks + span.ticks}; }
  // The time since `earlier`; nothing when `earlier` is later, as across cores it may be by a hair.
  [[nodiscard]] constexpr TscSpan since(Tsc earlier) const noexcept {
    return {ticks > earlier.ticks ? ticks - earlier.ticks : 0};
  }
};

// The counter, its rate, and how ticks relate to Unix time.
// Thread: `set_unix_offset` is control's; everything else is anybody's.
class TscClock {
 public:
  // REQUIRES: ticks_per_second > 0.
  explicit TscClock(std::uint64_t ticks_per_second) noexcept { set_rate(ticks_per_second); }
  // Shows the time that stands in `hand`, which outlives it, instead of the CPU's counter: for who
  // moves time by hand, in one thread.
  TscClock(std::uint64_t ticks_per_second, const Tsc& hand) noexcept : hand_(&hand) {
    set_rate(ticks_per_second);
  }
  // Before any worker runs: the rate is known only once DPDK has started.
  void set_rate(std::uint64_t ticks_per_second) noexcept {
    hz_ = ticks_per_second;
    ns_per_tick_ = static_cast<std::uint64_t>((Wide{1'000'000'000U} << kFractionBits) / hz_);
  }

  [[nodiscard]] Tsc now() const noexcept { return hand_ == nullptr ? Tsc{rte_rdtsc()} : *hand_; }
  [[nodiscard]] std::uint64_t hz() const noexcept { return hz_; }
  [[nodiscard]] TscSpan from_ns(std::uint64_t ns) const noexcept {
    return {static_cast<std::uint64_t>(Wide{ns} * hz_ / 1'000'000'000U)};
  }
  [[nodiscard]] TscSpan from_ms(std::uint64_t ms) const noexcept { return {ms * hz_ / 1000U}; }
  // Exact to one part in 10^12 or better. Without a division: it is called for every reply.
  [[nodiscard]] std::uint64_t to_ns(TscSpan span) const noexcept {
    return static_cast<std::uint64_t>(Wide{span.ticks} * ns_per_tick_ >> kFractionBits);
  }
  // Nanoseconds since 1970-01-01 UTC.
  [[nodiscard]] std::uint64_t to_unix_ns(Tsc at) const noexcept {
    return to_ns({at.ticks}) + unix_offset_ns_.load(std::memory_order_relaxed);
  }
  // Ties `at` to the wall clock. Relaxed: a result may carry the offset of a second ago.
  void set_unix_offset(Tsc at, std::uint64_t unix_ns) noexcept {
    unix_offset_ns_.store(unix_ns - to_ns({at.ticks}), std::memory_order_relaxed);
  }

 private:
  static constexpr unsigned kFractionBits = 42;

  const Tsc* hand_ = nullptr;
  std::uint64_t hz_ = 1;
  std::uint64_t ns_per_tick_ = 0;  // fixed point, kFractionBits behind the point
  std::atomic<std::uint64_t> unix_offset_ns_{0};
};

}  // namespace backsight::engine
