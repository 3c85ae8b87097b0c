// trace: probes of one flow with growing TTLs, by one of three protocols. What a router may hash
// stays the same in a flow (Paris), so the payload makes up for what varies.
#pragma once

#include <cstddef>
#include <cstdint>

#include "probes/protocols/fields.h"
#include "probes/protocols/row.h"
#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"
#include "probes/wire/transport.h"

namespace backsight::probes::trace {

// Behind an ICMP or UDP header: the identity, the compensation, two zero bytes.
inline constexpr std::size_t kHeaderBytes = icmp::kHeaderBytes;
static_assert(kHeaderBytes == udp::kHeaderBytes);
inline constexpr std::size_t kPayloadBytes = kIdentityBytes + 4;

// Writes the payload so that the message's checksum, whose other bytes add up to `sum`, is
// `checksum`. REQUIRES: `checksum` is not 0xffff.
inline void put_payload(const Identity& identity, std::uint64_t sum, std::uint16_t checksum,
                        std::byte* transport) noexcept {
  std::byte* const payload = transport + kHeaderBytes;
  store_identity(payload, identity);
  store_be16(payload + kIdentityBytes, compensation(sum + identity_sum(identity), checksum));
}

// The ports of UDP and TCP: a flow's low 15 bits choose the source's, its top bit one of two of the
// destination's.
[[nodiscard]] constexpr Ports ports_of(std::uint16_t flow, std::uint16_t low_dst,
                                       std::uint16_t high_dst) noexcept {
  return {.src = static_cast<std::uint16_t>(flow | 0x8000),
          .dst = (flow & 0x8000) == 0 ? low_dst : high_dst};
}
[[nodiscard]] constexpr std::uint16_t flow_of(Ports ports, std::uint16_t low_dst) noexcept {
  return static_cast<std::uint16_t>((ports.src & 0x7fff) | (ports.dst == low_dst ? 0 : 0x8000));
}

inline constexpr KindRow kKind = {Kind::kTrace, "trace", ""};

}  // namespace backsight::probes::trace
