// Which probe may leave next. Limits by destination, by /24, by spoofed source and for probes with
// IP options hold together, exactly; the total rate (engine/worker/limiter.h) stands behind them.
//
// Items wait in their destination's line, destinations in their /24, and of each /24 only one item
// at a time goes on: through its source's gate, the gate of options, and the line of what is ready.
// A gate lets one item through and the next one only when that was sent. So whatever waits
// elsewhere, two items that share a limit are never sent closer together than the limit says; and
// because a /24 goes to the end of the line after each item, no /24 is hit twice in a row while
// another waits.
//
// Memory is fixed at start. Nothing here is per packet but a few lines of hash table.
// Thread: the worker that owns it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/device/tsc.h"
#include "engine/worker/fixed_map.h"
#include "engine/worker/limiter.h"
#include "probes/ip/address.h"

namespace backsight::engine {

// Packets a second; 0 switches a limit off.
struct ScheduleLimits {
  std::uint64_t options_pps = 0;
  std::uint64_t per_destination_pps = 0;
  std::uint64_t per_prefix24_pps = 0;
  std::uint64_t per_source_pps = 0;
};

class Schedule {
 public:
  // Items are numbers below `items`. `places` is how many destinations, and how many /24s, can wait
  // or be remembered for their limit's sake at once.
  Schedule(const ScheduleLimits& limits, std::uint32_t items, std::uint32_t places,
           std::uint64_t hz);

  struct Send {
    probes::Ipv4Addr dst;
    probes::Ipv4Addr spoofed_src;  // unspecified: not spoofed
    bool has_options = false;
  };
  // Files an item. False: no place for its destination now; try again later.
  // REQUIRES: the item is not in the schedule.
  [[nodiscard]] bool push(std::uint32_t item, const Send& send, Tsc now) noexcept;

  // The next item that may be sent at `now`; it counts as sent.
  [[nodiscard]] std::optional<std::uint32_t> pop(Tsc now) noexcept;

  // When to look again; nothing when nothing waits. `now` when something is ready.
  [[nodiscard]] std::optional<Tsc> next_wake(Tsc now) const noexcept;

  // True if a limit holds such probes. One that none holds need not be pushed: it may leave at
  // once.
  [[nodiscard]] bool is_held(const Send& send) const noexcept {
    return per_destination_.is_on() || per_prefix_.is_on() ||
           (options_.is_on() && send.has_options) ||
           (per_source_.is_on() && !send.spoofed_src.is_unspecified());
  }

  [[nodiscard]] std::uint32_t waiting() const noexcept { return waiting_; }
  void set_limits(const ScheduleLimits& limits) noexcept;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Limit {
    TscSpan interval;
    TscSpan slack;
    [[nodiscard]] bool is_on() const noexcept { return interval.ticks != 0; }
  };
  struct Line {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    [[nodiscard]] bool is_empty() const noexcept { return first == kNone; }
  };
  struct Item {
    Send send;
    std::uint32_t next = kNone;
  };
  struct Destination {
    std::uint32_t key = 0;  // the address
    Spacing spacing;
    Line items;
    std::uint32_t next = kNone;  // in its prefix's line
    bool is_used = false;
  };
  struct Prefix {
    std::uint32_t key = 0;  // the upper 24 bits
    Spacing spacing;
    Line destinations;           // those with items; the first one's turn
    std::uint32_t next = kNone;  // in a gate's line or in ready_
    Tsc parked_until;            // with is_parked
    bool is_parked = false;      // waits for its own or its destinations' limits
    bool is_moving = false;      // parked, in a gate or ready
    bool is_used = false;
  };
  struct Gate {
    std::uint32_t key = 0;  // the spoofed source
    Spacing spacing;
    Line prefixes;
    bool is_open = true;  // nobody is through and unsent
    bool is_parked = false;
    bool is_used = false;
  };
  enum class Sleeper : std::uint8_t { kPrefix, kSource, kOptions };
  struct Wake {
    Tsc at;
    std::uint32_t index;
    Sleeper who;
  };
  // Cells of one kind with the map that finds them and a hand that looks for idle ones.
  template <typename T>
  struct Pool {
    explicit Pool(std::uint32_t room) : map(room), cells(std::make_unique<T[]>(room)), size(room) {}
    FixedMap<std::uint32_t> map;
    std::unique_ptr<T[]> cells;
    std::uint32_t size;
    std::uint32_t hand = 0;
  };

  [[nodiscard]] Limit limit(std::uint64_t pps) const noexcept;
  template <typename T>
  [[nodiscard]] std::uint32_t place(Pool<T>& pool, std::uint32_t key, Tsc now) noexcept;
  [[nodiscard]] static bool is_idle(const Destination& it) noexcept { return it.items.is_empty(); }
  [[nodiscard]] static bool is_idle(const Prefix& it) noexcept {
    return !it.is_moving && it.destinations.is_empty();
  }
  [[nodiscard]] static bool is_idle(const Gate& it) noexcept {
    return it.is_open && !it.is_parked && it.prefixes.is_empty();
  }

  template <typename T>
  static void append(Line& line, T* cells, std::uint32_t index) noexcept;
  template <typename T>
  static std::uint32_t take_first(Line& line, T* cells) noexcept;

  [[nodiscard]] bool file(std::uint32_t item, Tsc now) noexcept;
  void file_held(Tsc now) noexcept;
  void start_sooner(std::uint32_t prefix, Tsc next, Tsc now) noexcept;
  void start(std::uint32_t prefix, Tsc now) noexcept;
  [[nodiscard]] std::optional<Tsc> choose_destination(Prefix& prefix, Tsc now) noexcept;
  void enter_source_gate(std::uint32_t prefix, Tsc now) noexcept;
  void enter_options_gate(std::uint32_t prefix, Tsc now) noexcept;
  [[nodiscard]] bool pass(Gate& gate, std::uint32_t prefix, Tsc now, std::uint32_t index,
                          Sleeper who) noexcept;
  void release(Gate& gate, Tsc now, std::uint32_t index, Sleeper who) noexcept;
  void sent_through(Gate& gate, const Limit& limit, Tsc now, std::uint32_t index,
                    Sleeper who) noexcept;
  void park_prefix(Tsc at, std::uint32_t prefix) noexcept;
  void park(Tsc at, std::uint32_t index, Sleeper who) noexcept;
  void wake_due(Tsc now) noexcept;
  [[nodiscard]] std::uint32_t send_first_of(std::uint32_t prefix, Tsc now) noexcept;

  const std::uint64_t hz_;
  Limit options_;
  Limit per_destination_;
  Limit per_prefix_;
  Limit per_source_;
  std::unique_ptr<Item[]> items_;
  Pool<Destination> destinations_;
  Pool<Prefix> prefixes_;
  Pool<Gate> sources_;
  Gate options_gate_;
  Line unlimited_;                 // items that no limit holds
  Line ready_;                     // prefixes
  std::vector<Wake> wakes_;        // a heap, the soonest first; reserved at start
  std::uint32_t stale_wakes_ = 0;  // of prefixes that were woken before; prefixes_.size at most
  std::uint32_t waiting_ = 0;
};

}  // namespace backsight::engine
