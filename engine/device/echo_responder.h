// Answers echo requests to an address that no kernel owns.
#pragma once

#include <cstddef>
#include <span>

#include "probes/ip/address.h"

namespace backsight::engine {

// Turns the echo request in `frame` (Ethernet, as probes::parse_frame refused it with kEchoRequest)
// into its echo reply, in place: addresses turned round, a Record Route option with room stamped
// with our address as a destination does (RFC 791, section 3.1), TTL 64, checksums right, without
// the priority tags that the request had. Returns the reply's frame, a part of `frame`; empty, and
// nothing touched, when that is no echo request to `own` that can be answered.
[[nodiscard]] std::span<std::byte> answer_echo_in_place(std::span<std::byte> frame,
                                                        probes::Ipv4Addr own) noexcept;

}  // namespace backsight::engine
