// How a traceroute ends, whoever runs it: the engine, a simulated vantage point, or the controller
// that puts one together from parts or reads one of other people. Pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "probes/address.h"
#include "probes/probe.h"
#include "tasks/result.h"

namespace backsight::tasks {

// Where a reply says that the way ends.
enum class WayEnd : std::uint8_t { kNone, kReached, kUnreachable };

// What `reply` to a probe of this method says. Reached is what the destination alone answers, as a
// host (RFC 1122, section 3.2.2.1): an echo reply, a TCP segment, a port unreachable to UDP, a
// protocol unreachable to UDP or TCP. Every other ICMP error but a time exceeded is of somebody who
// does not let the probe through, whoever sends it: an echo and a SYN have no port that ICMP calls
// unreachable, and such an error from elsewhere is a filter's.
[[nodiscard]] WayEnd way_end(const ReplySummary& reply, probes::TraceMethod method,
                             probes::Ipv4Addr destination) noexcept;

// True if the last hop of `hops`, a trace's attempts in the order of sending, ends a loop: the hops
// are a row of two addresses or more that stands `loop_limit` times more. A hop that was silent
// fits any address. An address that comes back alone is no loop, and one that stands many times in
// a row neither: routers forward what has a TTL of 0, and a NAT answers for all behind it.
// `loop_limit` 0: nothing is a loop. REQUIRES: the last hop answered.
[[nodiscard]] bool ends_loop(std::span<const Hop> hops, std::uint8_t loop_limit) noexcept;

}  // namespace backsight::tasks
