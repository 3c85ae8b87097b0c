// The steps of the parser that fill a part of a Reply in place: at some 400 bytes it is too big to
// copy for every packet. For this room's own use.
#pragma once

#include <cstddef>
#include <span>

#include <tl/expected.hpp>

#include "probes/ip_options.h"
#include "probes/reject.h"
#include "probes/reply.h"

namespace backsight::probes {

// A step's verdict: nothing to say, or why the packet is refused.
using Check = tl::expected<void, Reject>;

// Reads the options of one header into `into`, which is fresh. What was read before a fault stays.
[[nodiscard]] Check read_ip_options(std::span<const std::byte> options, IpOptions& into) noexcept;

// Reads the copy of a probe that an ICMP error quotes into `into`, which is fresh.
[[nodiscard]] Check read_quote(std::span<const std::byte> quote, Quoted& into) noexcept;

// An ICMP error's data, split where its extension structure begins.
struct ErrorData {
  std::span<const std::byte> quote;
  std::span<const std::byte> extension;  // empty: none
};

// Splits what follows the ICMP header. `quote_words` is the header's length field (RFC 4884); 0
// from a router that knows none, which may yet have put an extension at byte 128 (its section 5).
[[nodiscard]] ErrorData split_error(std::span<const std::byte> data,
                                    std::uint8_t quote_words) noexcept;

// Appends the labels found in an extension structure. One that is not whole, of another version or
// with a wrong checksum has none; a faulty object ends the reading.
void read_mpls(std::span<const std::byte> extension, MplsStack& into) noexcept;

}  // namespace backsight::probes
