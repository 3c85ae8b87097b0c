// Answers echo requests to an address that no kernel owns.
#pragma once

#include <cstddef>
#include <span>

#include "probes/address.h"

namespace backsight::engine {

// Turns the echo request in `frame` (Ethernet, as probes::parse_frame refused it with kEchoRequest)
// into its echo reply, in place: addresses turned round, a Record Route option with room stamped
// with our address as a destination does (RFC 791, section 3.1), TTL 64, checksums right.
// Returns the reply's bytes; 0 when the frame is no echo request to `own` that can be answered.
[[nodiscard]] std::size_t answer_echo_in_place(std::span<std::byte> frame,
                                               probes::Ipv4Addr own) noexcept;

}  // namespace backsight::engine
