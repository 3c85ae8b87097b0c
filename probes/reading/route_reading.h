// What a recorded route says about the way there and the way back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/ip/address.h"
#include "probes/reading/ip_options.h"

namespace backsight::probes {

// A pair of equal stamps tells of the turning point if both stand in these first slots, as in
// RevTr 2.0: behind a pair in the last two nothing could be read anyway.
inline constexpr std::size_t kDoubleStampSlots = 8;

// How the turning point was found.
enum class TurningPoint : std::uint8_t {
  kDestination,  // the destination's own address stands in the route
  kDoubleStamp,  // it does not, but an address stands twice in a row before slot 8
  kLoop,         // an address comes back later: the packet had turned in between
  kUnknown,      // nothing tells: all slots may be forward hops
};

// A recorded route of `count` slots, split. Indices count slots from 0.
//   forward      [0, forward_end)
//   destination  [forward_end, reverse_begin)   the destination's stamps; empty if it did not stamp
//   reverse      [reverse_begin, count)         towards the receiver, nearest to the destination
//   first
// With kUnknown everything is forward. With kDoubleStamp the pair counts as forward and reverse
// hop; with kLoop the split stands after the first occurrence, and what follows is an upper bound.
// Of several pairs or loops the last counts, which claims the fewest reverse hops. An address that
// names nobody (special_purpose.h), such as a private one, is no sign: two networks may have it.
struct RouteReading {
  std::uint8_t forward_end = 0;
  std::uint8_t reverse_begin = 0;
  std::uint8_t count = 0;
  bool is_full = false;  // no slot left: later hops could not stamp
  bool destination_stamped = false;
  TurningPoint turning_point = TurningPoint::kUnknown;
};

// Reads `route`, recorded by a probe to `destination`. The stamps of the destination are the last
// run of `aliases` and `destination`; the reverse part begins after it.
[[nodiscard]] RouteReading read_route(const RecordedRoute& route, Ipv4Addr destination,
                                      std::span<const Ipv4Addr> aliases = {}) noexcept;

}  // namespace backsight::probes
