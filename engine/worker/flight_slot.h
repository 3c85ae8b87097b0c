// A probe in flight, and how 32 bytes hold it.
//
//   word 0   bits 0..1   state: empty, waiting, claimed, expired
//                 2..27  generation
//                28..33  time-out class
//                34..49  time-out in ms
//                50..51  kind
//                52..57  port
//                58..59  protocol: 0 ICMP, 1 UDP, 2 TCP
//                60..63  position, bits 32..35
//   word 1        0..47  ticks of sending, their low 48 bits
//                48..63  transport checksum as sent
//   word 2        0..31  destination
//                32..63  position, bits 0..31; of a trace's probe: the trace
//   word 3               task; of a trace's probe: its low 48 bits, and the flow above them
//
// All words are atomics because a worker may read a slot while its owner files the next probe
// there; word 0 then gives it away.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "engine/device/tsc.h"
#include "probes/identity/identity.h"
#include "probes/ip/address.h"
#include "probes/probe.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {

inline constexpr std::uint32_t kNoTrace = 0xffffffff;
inline constexpr unsigned kPositionBits = 36;
inline constexpr std::uint64_t kMaxFlightPosition = (std::uint64_t{1} << kPositionBits) - 1;
inline constexpr unsigned kMaxPorts = 64;

// The number that ends in the low kPositionBits of `low` and is nearest to `near`. Positions on
// their way through a worker are never further apart.
[[nodiscard]] constexpr std::uint64_t widen_position(std::uint64_t low,
                                                     std::uint64_t near) noexcept {
  const std::uint64_t behind = (near - low) & kMaxFlightPosition;
  if (behind <= kMaxFlightPosition / 2 && behind <= near) return near - behind;
  return near + (kMaxFlightPosition + 1 - behind) % (kMaxFlightPosition + 1);
}

// What a spoofed probe carries where others carry the handle of their slot.
[[nodiscard]] constexpr std::uint32_t spoofed_handle(std::uint64_t number) noexcept {
  return static_cast<std::uint32_t>(number);
}

// A probe in flight. Its source is the address of the port it left by: a spoofed probe's reply goes
// elsewhere, so it is not in flight.
struct Flight {
  Tsc sent;
  std::uint64_t task = 0;      // of a trace's probe: the low 48 bits
  std::uint64_t position = 0;  // the low kPositionBits; a trace's probe has none
  probes::Ipv4Addr dst;
  std::uint32_t trace = kNoTrace;  // the owner's trace it belongs to
  std::uint32_t timeout_ms = 0;    // 1..65535
  std::uint16_t checksum = 0;      // transport checksum as sent, host order
  std::uint16_t flow = 0;          // of a trace's probe
  std::uint8_t port = 0;           // 0..kMaxPorts - 1
  std::uint8_t protocol = probes::ipv4::kProtocolIcmp;
  probes::Kind kind = probes::Kind::kPing;
};

class FlightSlot {
 public:
  enum State : std::uint64_t { kEmpty = 0, kWaiting = 1, kClaimed = 2, kExpired = 3 };
  static constexpr unsigned kGenerationBits = 26;
  static constexpr std::uint32_t kGenerationMask = (1U << kGenerationBits) - 1;

  // Word 0 as it was read.
  class Word {
   public:
    explicit Word(std::uint64_t bits) noexcept : bits_(bits) {}
    [[nodiscard]] State state() const noexcept { return static_cast<State>(bits_ & 3); }
    [[nodiscard]] std::uint32_t generation() const noexcept {
      return static_cast<std::uint32_t>(bits_ >> 2) & kGenerationMask;
    }
    [[nodiscard]] std::uint8_t timeout_class() const noexcept { return bits(28, 6); }
    [[nodiscard]] Word with(State state) const noexcept {
      return Word((bits_ & ~std::uint64_t{3}) | state);
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return bits_; }

   private:
    friend class FlightSlot;
    [[nodiscard]] std::uint8_t bits(unsigned from, unsigned count) const noexcept {
      return static_cast<std::uint8_t>((bits_ >> from) & ((1U << count) - 1));
    }
    std::uint64_t bits_;
  };

  // Acquire: pairs with the release in file().
  [[nodiscard]] Word word() const noexcept {
    return Word(words_[0].load(std::memory_order_acquire));
  }
  void store_word(Word word) noexcept { words_[0].store(word.value(), std::memory_order_relaxed); }
  // Acquire-release: the winner, and nobody else, goes on with what it read.
  [[nodiscard]] bool exchange_word(Word& seen, Word fresh) noexcept {
    return words_[0].compare_exchange_strong(seen.bits_, fresh.bits_, std::memory_order_acq_rel);
  }

  void file(const Flight& flight, std::uint32_t generation, std::uint8_t timeout_class) noexcept {
    // Release: a reader that sees a new word also sees that word 0 was emptied before it.
    constexpr auto kRelease = std::memory_order_release;
    const bool is_trace = flight.trace != kNoTrace;
    const std::uint64_t named = std::uint64_t{generation & kGenerationMask} << 2;
    // Who still looks for the old probe must not take the new fields for it: word 0 says "empty"
    // before they change. The releases below keep the order.
    words_[0].store(named | kEmpty, std::memory_order_relaxed);
    words_[1].store(stamp(flight.sent) | std::uint64_t{flight.checksum} << 48, kRelease);
    const std::uint64_t high = is_trace ? flight.trace : flight.position & 0xffffffff;
    words_[2].store(high << 32 | flight.dst.value, kRelease);
    words_[3].store(is_trace
                        ? std::uint64_t{flight.flow} << 48 | (flight.task & probes::kMaxProbeNumber)
                        : flight.task,
                    kRelease);
    words_[0].store(named | kWaiting | std::uint64_t{timeout_class} << 28 |
                        std::uint64_t{flight.timeout_ms & 0xffff} << 34 |
                        static_cast<std::uint64_t>(flight.kind) << 50 |
                        std::uint64_t{flight.port} << 52 | protocol_code(flight.protocol) << 58 |
                        (is_trace ? 0 : (flight.position >> 32 & 0xf) << 60),
                    kRelease);
  }

  void restamp(Tsc sent) noexcept {
    // Relaxed: only the owner writes, and the probe has not left.
    const std::uint64_t old = words_[1].load(std::memory_order_relaxed);
    words_[1].store(stamp(sent) | (old & ~kTickMask), std::memory_order_relaxed);
  }

  // When the probe left. `now` is no further from it than 2^47 ticks, ten hours or more.
  [[nodiscard]] Tsc sent(Tsc now) const noexcept {
    return sent(words_[1].load(std::memory_order_acquire), now);
  }

  // Reads what the slot holds, if `word` is still there afterwards, into `flight`, which is fresh.
  void load(Word word, Tsc now, Flight& flight) const noexcept {
    // Acquire: pairs with the release of each word in file().
    constexpr auto kAcquire = std::memory_order_acquire;
    const std::uint64_t first = words_[1].load(kAcquire);
    const std::uint64_t second = words_[2].load(kAcquire);
    const std::uint64_t third = words_[3].load(kAcquire);
    flight.sent = sent(first, now);
    flight.checksum = static_cast<std::uint16_t>(first >> 48);
    flight.dst.value = static_cast<std::uint32_t>(second);
    flight.timeout_ms = static_cast<std::uint16_t>(word.bits_ >> 34);
    flight.kind = static_cast<probes::Kind>(word.bits(50, 2));
    flight.port = word.bits(52, 6);
    flight.protocol = kProtocols[word.bits(58, 2)];
    if (flight.kind == probes::Kind::kTrace) {
      flight.trace = static_cast<std::uint32_t>(second >> 32);
      flight.task = third & probes::kMaxProbeNumber;
      flight.flow = static_cast<std::uint16_t>(third >> 48);
    } else {
      flight.position = (word.bits_ >> 60) << 32 | second >> 32;
      flight.task = third;
    }
  }

 private:
  static constexpr std::uint64_t kTickMask = (std::uint64_t{1} << 48) - 1;
  static constexpr std::uint8_t kProtocols[4] = {
      probes::ipv4::kProtocolIcmp, probes::ipv4::kProtocolUdp, probes::ipv4::kProtocolTcp, 0};

  [[nodiscard]] static std::uint64_t protocol_code(std::uint8_t protocol) noexcept {
    if (protocol == probes::ipv4::kProtocolIcmp) return 0;
    return protocol == probes::ipv4::kProtocolUdp ? 1 : 2;
  }
  [[nodiscard]] static std::uint64_t stamp(Tsc at) noexcept { return at.ticks & kTickMask; }
  [[nodiscard]] static Tsc sent(std::uint64_t first, Tsc now) noexcept {
    // The difference of 48-bit numbers, with its sign: another core's clock may be a hair ahead.
    const auto ago = static_cast<std::int64_t>((now.ticks - first) << 16) >> 16;
    return {now.ticks - static_cast<std::uint64_t>(ago)};
  }

  std::atomic<std::uint64_t> words_[4];
};
static_assert(sizeof(FlightSlot) == 32);
static_assert(std::is_trivially_destructible_v<FlightSlot>);

}  // namespace backsight::engine
