// ping: an ICMP echo request (RFC 792) with the identity as payload. Record Route and timestamp
// probes are the same behind an IPv4 option.
//
//   flow      none: the checksum comes as it comes
//   answer    an echo reply, which returns the payload; ICMP errors
//   proof     the identity's tag; of a quote of eight bytes the handle (id and sequence) and the
//             checksum
#pragma once

#include <cstddef>
#include <cstdint>

#include "probes/protocols/fields.h"
#include "probes/protocols/row.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"

namespace backsight::probes::echo {

inline std::size_t put_transport(std::byte* transport) noexcept {
  transport[icmp::kType] = std::byte{icmp::kEchoRequest};
  return icmp::kHeaderBytes + kIdentityBytes;
}

// Writes what varies behind the IPv4 header and returns the checksum as sent (host order). `sum`:
// of the constant bytes.
inline std::uint16_t patch(const ProbeFields& fields, std::uint32_t sum,
                           std::byte* transport) noexcept {
  const std::uint16_t checksum =
      checksum_of(std::uint64_t{sum} + fields.handle + identity_sum(fields.identity));
  store_be16(transport + icmp::kChecksum, checksum);
  store_be32(transport + icmp::kHandle, fields.handle);
  store_identity(transport + icmp::kHeaderBytes, fields.identity);
  return checksum;
}

// The handle in the first eight bytes of a request or its reply.
[[nodiscard]] inline std::uint32_t handle_of(const std::byte* transport) noexcept {
  return load_be32(transport + icmp::kHandle);
}

inline constexpr KindRow kKind = {Kind::kPing, "ping", ""};
inline constexpr Protocol kProtocol = {.kind = Kind::kPing,
                                       .method = {},
                                       .word = "",
                                       .ip_protocol = ipv4::kProtocolIcmp,
                                       .carries_identity = true,
                                       .arrival_codes = 0,
                                       .put_options = nullptr,
                                       .put_transport = put_transport};

}  // namespace backsight::probes::echo
