// How a traceroute ends, whoever runs it: the engine, or the controller that puts one together from
// parts or reads one of other people. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/assert.h"
#include "probes/ip/address.h"
#include "probes/probe.h"
#include "tasks/result.h"

namespace backsight::tracing {

// Where a reply says that the way ends.
enum class WayEnd : std::uint8_t { kNone, kReached, kUnreachable };

// What `reply` to a probe of this method says. Reached is what the destination alone answers, as a
// host (RFC 1122, section 3.2.2.1): an echo reply, a TCP segment, a port unreachable to UDP, a
// protocol unreachable to UDP or TCP. Every other ICMP error but a time exceeded is of somebody who
// does not let the probe through, whoever sends it: an echo and a SYN have no port that ICMP calls
// unreachable, and such an error from elsewhere is a filter's.
[[nodiscard]] WayEnd way_end(const tasks::ReplySummary& reply, probes::TraceMethod method,
                             probes::Ipv4Addr destination) noexcept;

// Who answered at each TTL that was asked, in order: all that a loop is known by.
class HopRow {
 public:
  // Of the last so many TTLs. No way of the Internet is near as long.
  static constexpr std::size_t kMost = 224;

  void clear() noexcept { count_ = first_ = 0; }
  // One more TTL is asked, and nobody has answered.
  void ask() noexcept;
  // REQUIRES: ask() was called.
  void answer(probes::Ipv4Addr from) noexcept {
    BACKSIGHT_ASSERT(count_ > 0);
    at(count_ - 1U) = from;
  }

  // True if the last TTL was answered and ends a loop: the TTLs are a row of two addresses or more
  // that stands `loop_limit` times more. One that was silent fits any address. An address that
  // comes back alone is no loop, and one that stands many times in a row neither: routers forward
  // what has a TTL of 0, and a NAT answers for all behind it. `loop_limit` 0: nothing is a loop.
  [[nodiscard]] bool ends_loop(std::uint8_t loop_limit) const noexcept;

 private:
  [[nodiscard]] probes::Ipv4Addr& at(std::size_t i) noexcept { return who_[(first_ + i) % kMost]; }
  [[nodiscard]] const probes::Ipv4Addr& at(std::size_t i) const noexcept {
    return who_[(first_ + i) % kMost];
  }
  [[nodiscard]] bool comes_back() const noexcept;
  [[nodiscard]] bool ends_in_repeats(std::size_t length, std::size_t times) const noexcept;

  std::array<probes::Ipv4Addr, kMost> who_;  // unspecified: nobody
  std::uint8_t first_ = 0;                   // where the row begins
  std::uint8_t count_ = 0;
};

// The row of a trace's attempts, which stand in the order of sending.
[[nodiscard]] HopRow row_of(std::span<const tasks::Hop> hops) noexcept;

}  // namespace backsight::tracing
