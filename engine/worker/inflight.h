// The in-flight ring: every probe that waits for an answer, in the order of sending.
//
// The place is the key: a probe carries a handle that names its slot and the slot's generation, so
// a reply finds its probe with one cache line and one compare-and-swap, from any worker. Expiry is
// a sweep behind the senders: within a time-out class the order of sending is the order of expiry.
// A slot keeps its probe until it is used again, which names late and duplicate replies.
//
//   handle = seal(worker | slot | generation)      bits: w | i | 32 - w - i
//
// Thread: `reserve`, `add`, `restamp` and `expire` are the owner's; `find` and `claim` are any
// worker's. Where there is but one worker, nothing is locked.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/device/huge_array.h"
#include "engine/device/prefetch.h"
#include "engine/device/tsc.h"
#include "engine/worker/flight_slot.h"
#include "probes/assert.h"
#include "probes/identity/identity.h"
#include "probes/identity/identity_burst.h"
#include "probes/probe.h"

namespace backsight::engine {

// Time-outs are swept in classes: the smallest of these that is not below the one asked for. A
// reply is judged by the exact time-out; only the result of a silent probe waits for its class.
inline constexpr std::array<std::uint32_t, 41> kTimeoutClassesMs = {
    1,    2,    3,    4,    5,    6,    8,    10,   12,   15,    20,    25,    30,   40,
    50,   60,   80,   100,  120,  150,  200,  250,  300,  400,   500,   600,   800,  1000,
    1200, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 10000, 20000, 40000, 60000};
[[nodiscard]] std::uint8_t timeout_class(std::uint32_t timeout_ms) noexcept;

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

  // Writes the handles that the next probes will carry to `handles`: as many as it holds, or as
  // there are free slots. Returns how many. The low half of each is neither 0 nor 0xffff (a UDP
  // checksum could not carry those). REQUIRES: handles.size() <= probes::kIdentityBurst.
  [[nodiscard]] std::size_t reserve(std::span<std::uint32_t> handles) noexcept;
  // Files the probe under the first reserved handle that is not taken yet. Returns its place.
  // REQUIRES: fewer were added since reserve() than it returned.
  std::uint32_t add(const Flight& flight) noexcept;
  // The probe at `place` leaves only now. REQUIRES: it was added and has not left before.
  void restamp(std::uint32_t place, Tsc sent) noexcept { slots_[place].restamp(sent); }

  // What a handle names. All rings of a vantage point read it alike.
  struct Place {
    unsigned worker;  // may be a number that no worker has
    std::uint32_t slot;
    std::uint32_t generation;
  };
  [[nodiscard]] Place place_of(std::uint32_t handle) const noexcept {
    return place_of_opened(cipher_.open(handle));
  }
  // The same of a handle that the cipher has opened.
  [[nodiscard]] Place place_of_opened(std::uint32_t plain) const noexcept {
    const std::uint32_t named = plain >> generation_bits_;
    return {named >> slot_bits_, named & slot_mask_, plain & generation_mask_};
  }
  // The probe at `place`, whatever its state; nothing when there is none. `now` is a moment near to
  // that of the call. Not yet a claim: check the reply against it first.
  // REQUIRES, as do the next two: the place is this worker's.
  [[nodiscard]] std::optional<Flight> find(const Place& place, Tsc now) const noexcept;
  // Ends the probe if it is still waiting. REQUIRES: `flight` is what find() returned.
  [[nodiscard]] Claim claim(const Place& place, const Flight& flight, Tsc arrived) noexcept;
  void prefetch(const Place& place) noexcept { prefetch_to_write(&slots_[place.slot]); }

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

  // When the next probe's class runs out; nothing when none waits. Exact after expire(). Owner
  // only.
  [[nodiscard]] std::optional<Tsc> next_expiry(Tsc now) const noexcept {
    std::optional<Tsc> next;
    for (std::uint64_t active = active_; active != 0; active &= active - 1) {
      const auto index = static_cast<std::size_t>(std::countr_zero(active));
      const Tsc due = slots_[cursors_[index] & slot_mask_].sent(now) + class_spans_[index];
      if (!next || due < *next) next = due;
    }
    return next;
  }

  [[nodiscard]] std::uint32_t capacity() const noexcept { return slot_mask_ + 1; }
  // Slots that cannot be used again yet. Owner only.
  [[nodiscard]] std::uint32_t used() const noexcept {
    return static_cast<std::uint32_t>(head_ - tail_);
  }
  // Touches every page, so that the memory is near to the core that calls and no page is missing
  // later.
  void touch() noexcept { slots_.touch(); }

 private:
  [[nodiscard]] std::uint32_t plain_handle(std::uint32_t slot,
                                           std::uint32_t generation) const noexcept {
    return ((worker_ << slot_bits_) | slot) << generation_bits_ | (generation & generation_mask_);
  }
  [[nodiscard]] bool is_generation(FlightSlot::Word word, std::uint32_t generation) const noexcept {
    return (word.generation() & generation_mask_) == generation &&
           word.state() != FlightSlot::kEmpty;
  }
  // Changes a waiting slot's state, unless somebody else was first. `word` is what was seen, and
  // becomes what is there when the answer is no.
  [[nodiscard]] bool try_end(FlightSlot& slot, FlightSlot::Word& word,
                             FlightSlot::State state) noexcept {
    if (!is_shared_) {
      slot.store_word(word.with(state));
      return true;
    }
    return slot.exchange_word(word, word.with(state));
  }
  void advance_tail() noexcept;

  template <typename OnExpired>
  std::size_t sweep(std::uint8_t index, Tsc now, std::size_t max, OnExpired& on_expired) noexcept {
    constexpr std::size_t kPrefetchAhead = 8;
    std::size_t ended = 0;
    std::uint64_t cursor = cursors_[index];
    while (counts_[index] != 0) {
      prefetch_to_write(&slots_[(cursor + kPrefetchAhead) & slot_mask_]);
      FlightSlot& slot = slots_[cursor & slot_mask_];
      FlightSlot::Word word = slot.word();
      if (word.timeout_class() != index) {
        ++cursor;
        continue;
      }
      if (word.state() == FlightSlot::kWaiting) {
        if (now.since(slot.sent(now)) < class_spans_[index] || ended == max) break;
        // Only a claim can come between, and then the probe is not ours to end.
        if (try_end(slot, word, FlightSlot::kExpired)) {
          ++ended;
          Flight flight;
          slot.load(word, now, flight);
          on_expired(flight);
        }
      }
      ++cursor;
      if (--counts_[index] == 0) active_ &= ~(std::uint64_t{1} << index);
    }
    cursors_[index] = cursor;
    return ended;
  }

  const std::uint32_t slot_mask_;
  const unsigned worker_;
  const bool is_shared_;  // other workers claim here too
  const unsigned slot_bits_;
  const unsigned generation_bits_;
  const std::uint32_t generation_mask_;
  const probes::HandleCipher cipher_;
  const TscClock& clock_;
  HugeArray<FlightSlot> slots_;

  // The owner's. head_ and tail_ count probes since start; slot = count & slot_mask_.
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::uint64_t reserved_from_ = 0;  // the head when generations_ were chosen
  std::array<std::uint32_t, probes::kIdentityBurst> generations_{};
  std::uint64_t active_ = 0;  // classes with probes behind their cursor
  std::array<std::uint64_t, kTimeoutClassesMs.size()> cursors_{};
  std::array<std::uint64_t, kTimeoutClassesMs.size()> counts_{};
  std::array<TscSpan, kTimeoutClassesMs.size()> class_spans_{};
  std::uint32_t last_timeout_ms_ = 0;  // and its class: most tasks ask for the same
  std::uint8_t last_class_ = 0;
};

// Inline, as is add(): a Flight that is passed through memory is written in parts and read as a
// whole, which waits for every store before it.
inline std::optional<Flight> InflightRing::find(const Place& place, Tsc now) const noexcept {
  BACKSIGHT_ASSERT(place.worker == worker_);
  // One variable, returned by every way out: it is built where the caller wants it, never copied.
  std::optional<Flight> flight;
  const FlightSlot& slot = slots_[place.slot];
  const FlightSlot::Word before = slot.word();
  if (!is_generation(before, place.generation)) return flight;
  slot.load(before, now, flight.emplace());
  // The fields are of one probe only if the generation still stands after they were read.
  const FlightSlot::Word after = slot.word();
  if (before.generation() != after.generation() || after.state() == FlightSlot::kEmpty) {
    flight.reset();
  }
  return flight;
}

inline std::uint32_t InflightRing::add(const Flight& flight) noexcept {
  BACKSIGHT_ASSERT(used() < capacity() && head_ - reserved_from_ < generations_.size());
  const auto at = static_cast<std::uint32_t>(head_) & slot_mask_;
  if (flight.timeout_ms != last_timeout_ms_) {
    last_timeout_ms_ = flight.timeout_ms;
    last_class_ = timeout_class(flight.timeout_ms);
  }
  const std::uint8_t index = last_class_;
  slots_[at].file(flight, generations_[head_ - reserved_from_], index);
  if (counts_[index]++ == 0) {
    cursors_[index] = head_;
    active_ |= std::uint64_t{1} << index;
  }
  ++head_;
  return at;
}

}  // namespace backsight::engine
