// The steps of the parser that fill a part of a Reply in place: at some 400 bytes it is too big to
// copy for every packet. For this room's own use.
#pragma once

#include <cstddef>
#include <span>

#include <tl/expected.hpp>

#include "probes/reading/ip_options.h"
#include "probes/reading/reject.h"
#include "probes/reading/reply.h"

namespace backsight::probes {

// A step's verdict: nothing to say, or why the packet is refused.
using Check = tl::expected<void, Reject>;

// Reads the options of one header into `into`, which is fresh.
void read_ip_options(std::span<const std::byte> options, IpOptions& into) noexcept;

// Reads the copy of a probe at the front of an ICMP error's data into `into`, which is fresh.
// `stated_bytes`: its length as the error states it.
[[nodiscard]] Check read_quote(std::span<const std::byte> data, std::size_t stated_bytes,
                               Quoted& into) noexcept;

// Appends the labels of the extension structure in an ICMP error's data, which is what follows the
// ICMP header. `quote_words` is that header's length field (RFC 4884); 0 from a router that knows
// none, which may yet have put a structure at byte 128 (its section 5). Some give the length in
// bytes, or of the quote before they padded it. A structure is read if its checksum is right, or if
// it has none, which `may_lack_checksum` allows, and its objects fill it.
// Returns false if there seems to be one that was not read. A faulty object ends the reading.
[[nodiscard]] bool read_extension(std::span<const std::byte> data, std::uint8_t quote_words,
                                  bool may_lack_checksum, MplsStack& into) noexcept;

}  // namespace backsight::probes
