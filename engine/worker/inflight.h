// The in-flight ring: every probe that waits for an answer, in the order of sending.
//
// The place is the key: a probe carries a handle that names its slot and the slot's generation, so
// a reply finds its probe with one cache line and one compare-and-swap, from any worker. Expiry is
// a sweep behind the senders: within a time-out class the order of sending is the order of expiry.
// A slot keeps its probe until it is used again, which names late and duplicate replies.
//
//   handle = seal(worker | slot | generation)      bits: w | i | 32 - w - i
//
// Thread: `add`, `restamp` and `expire` are the owner's; `find` and `claim` are any worker's.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/device/huge_array.h"
#include "engine/device/tsc.h"
#include "probes/address.h"
#include "probes/identity.h"
#include "probes/probe.h"

namespace backsight::engine {

inline constexpr std::uint32_t kNoTrace = 0xffffffff;

// Time-outs are swept in classes: the smallest of these that is not below the one asked for. A
// reply is judged by the exact time-out; only the result of a silent probe waits for its class.
inline constexpr std::array<std::uint32_t, 41> kTimeoutClassesMs = {
    1,    2,    3,    4,    5,    6,    8,    10,   12,   15,    20,    25,    30,   40,
    50,   60,   80,   100,  120,  150,  200,  250,  300,  400,   500,   600,   800,  1000,
    1200, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 10000, 20000, 40000, 60000};
[[nodiscard]] std::uint8_t timeout_class(std::uint32_t timeout_ms) noexcept;

// A probe in flight.
struct Flight {
  Tsc sent;
  probes::Ipv4Addr src;
  probes::Ipv4Addr dst;
  std::uint32_t trace = kNoTrace;  // the owner's trace it belongs to
  std::uint16_t checksum = 0;      // transport checksum as sent, host order
  std::uint8_t protocol = 1;       // 1 ICMP, 6 TCP, 17 UDP
  std::uint8_t ttl = 0;
  std::uint64_t task = 0;
  std::uint64_t position = 0;
  std::uint32_t timeout_ms = 0;
  std::uint16_t flow = 0;
  std::uint8_t attempt = 0;
  probes::Kind kind = probes::Kind::kPing;
};

enum class Claim : std::uint8_t {
  kMatched,    // the first answer in time: the caller owns the probe's end now
  kLate,       // the probe has timed out
  kDuplicate,  // another reply was first
  kForeign,    // no such probe
};

class InflightRing {
 public:
  // REQUIRES: slots is a power of two, 64..2^26; worker < workers <= 64; the slot and worker
  // numbers leave at least 4 bits of generation.
  InflightRing(std::uint32_t slots, unsigned worker, unsigned workers,
               const probes::HandleCipher& cipher, const TscClock& clock, bool want_huge);

  // The slot that the next probe will take, or nothing when the ring is full. The low half of the
  // handle is neither 0 nor 0xffff (a UDP checksum could not carry those).
  [[nodiscard]] std::optional<std::uint32_t> next_handle() noexcept;
  // Files the probe under the handle that next_handle() has just returned. Returns its place.
  std::uint32_t add(const Flight& flight) noexcept;
  // The probe at `place` leaves only now. REQUIRES: it was added and has not left before.
  void restamp(std::uint32_t place, Tsc sent) noexcept {
    slots_[place].sent.store(sent.ticks, std::memory_order_relaxed);
  }

  // The probe that `handle` names, whatever its state; nothing when there is none. Not yet a claim:
  // check the reply against it first.
  [[nodiscard]] std::optional<Flight> find(std::uint32_t handle) const noexcept;
  // Ends the probe if it is still waiting. REQUIRES: `flight` is what find() returned.
  [[nodiscard]] Claim claim(std::uint32_t handle, const Flight& flight, Tsc arrived) noexcept;
  void prefetch(std::uint32_t handle) const noexcept;
  // The worker that `handle` names; may be a number that no worker has.
  [[nodiscard]] unsigned owner_of(std::uint32_t handle) const noexcept;

  // Ends up to `max` probes whose class has run out, and calls `on_expired(const Flight&)` for
  // each.
  template <typename OnExpired>
  std::size_t expire(Tsc now, std::size_t max, OnExpired&& on_expired) noexcept {
    std::size_t ended = 0;
    for (std::uint64_t active = active_; active != 0; active &= active - 1) {
      const auto index = static_cast<std::uint8_t>(std::countr_zero(active));
      ended += sweep(index, now, max - ended, on_expired);
    }
    advance_tail();
    return ended;
  }

  [[nodiscard]] std::uint32_t capacity() const noexcept { return slot_mask_ + 1; }
  // Slots that cannot be used again yet. Owner only.
  [[nodiscard]] std::uint32_t used() const noexcept {
    return static_cast<std::uint32_t>(head_ - tail_);
  }
  // When the next class may run out; nothing when the ring is empty. Owner only.
  [[nodiscard]] std::optional<Tsc> next_expiry() const noexcept;

 private:
  enum State : std::uint64_t { kEmpty = 0, kWaiting = 1, kClaimed = 2, kExpired = 3 };
  static constexpr std::uint64_t kStateMask = 3;

  // What matching needs. Word: generation << 2 | state. All fields are atomics because a worker may
  // read a slot while its owner files the next probe there; the word then gives it away.
  struct Slot {
    std::atomic<std::uint64_t> word;
    std::atomic<std::uint64_t> sent;
    std::atomic<std::uint64_t> addresses;  // src << 32 | dst
    std::atomic<std::uint64_t> details;    // trace << 32 | checksum << 16 | protocol << 8 | ttl
  };
  static_assert(sizeof(Slot) == 32);
  // What the result needs.
  struct alignas(32) Rest {
    std::atomic<std::uint64_t> task;
    std::atomic<std::uint64_t> position;
    std::atomic<std::uint64_t>
        details;  // timeout_ms << 32 | flow << 16 | attempt << 8 | class, kind
  };

  struct Place {
    std::uint32_t slot;
    std::uint32_t generation;
  };
  [[nodiscard]] std::optional<Place> place_of(std::uint32_t handle) const noexcept;
  [[nodiscard]] std::uint32_t handle_of(std::uint32_t slot,
                                        std::uint64_t generation) const noexcept;
  [[nodiscard]] bool is_generation(std::uint64_t word, std::uint32_t generation) const noexcept {
    return ((word >> 2) & generation_mask_) == generation && (word & kStateMask) != kEmpty;
  }
  [[nodiscard]] Flight load(std::uint32_t slot) const noexcept;
  [[nodiscard]] static std::uint8_t class_of(const Rest& rest) noexcept;
  void advance_tail() noexcept;

  template <typename OnExpired>
  std::size_t sweep(std::uint8_t index, Tsc now, std::size_t max, OnExpired& on_expired) noexcept {
    std::size_t ended = 0;
    while (counts_[index] != 0) {
      const std::uint32_t at = static_cast<std::uint32_t>(cursors_[index]) & slot_mask_;
      if (class_of(rest_[at]) != index) {
        ++cursors_[index];
        continue;
      }
      Slot& slot = slots_[at];
      std::uint64_t word = slot.word.load(std::memory_order_relaxed);
      if ((word & kStateMask) == kWaiting) {
        const Tsc sent{slot.sent.load(std::memory_order_relaxed)};
        if (now.since(sent) < class_spans_[index] || ended == max) return ended;
        // Only a claim can come between, and then the probe is not ours to end.
        if (slot.word.compare_exchange_strong(word, (word & ~kStateMask) | kExpired,
                                              std::memory_order_acq_rel)) {
          ++ended;
          on_expired(load(at));
        }
      }
      ++cursors_[index];
      if (--counts_[index] == 0) active_ &= ~(std::uint64_t{1} << index);
    }
    return ended;
  }

  const std::uint32_t slot_mask_;
  const unsigned worker_;
  const unsigned slot_bits_;
  const unsigned generation_bits_;
  const std::uint32_t generation_mask_;
  const probes::HandleCipher cipher_;
  const TscClock& clock_;
  HugeArray<Slot> slots_;
  HugeArray<Rest> rest_;

  // The owner's. head_ and tail_ count probes since start; slot = count & slot_mask_.
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::uint64_t next_generation_ = 0;  // of the slot at head_, chosen by next_handle()
  std::uint64_t active_ = 0;           // classes with probes behind their cursor
  std::array<std::uint64_t, kTimeoutClassesMs.size()> cursors_{};
  std::array<std::uint64_t, kTimeoutClassesMs.size()> counts_{};
  std::array<TscSpan, kTimeoutClassesMs.size()> class_spans_{};
};

}  // namespace backsight::engine
