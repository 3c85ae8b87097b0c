// trace, tcp: a SYN (RFC 9293) without payload; the handle is its sequence number.
//
//   flow      source port 0x8000 + (flow & 0x7fff), destination port 80 or, flow >> 15, 443
//   answer    RST or SYN-ACK, which acknowledge the handle + 1; ICMP errors, of which "protocol
//             unreachable" is the destination's
//   proof     the handle, addresses and ports: there is no room for an identity
#pragma once

#include <cstddef>
#include <cstdint>

#include "probes/protocols/trace.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ipv4.h"

namespace backsight::probes::trace_tcp {

inline constexpr std::uint16_t kHttpPort = 80;
inline constexpr std::uint16_t kHttpsPort = 443;

[[nodiscard]] constexpr Ports ports_of(std::uint16_t flow) noexcept {
  return trace::ports_of(flow, kHttpPort, kHttpsPort);
}
// Of ports that no flow has, a flow whose ports differ.
[[nodiscard]] constexpr std::uint16_t flow_of(Ports ports) noexcept {
  return trace::flow_of(ports, kHttpPort);
}

// The handle in the first eight bytes of a SYN.
[[nodiscard]] inline std::uint32_t handle_of(const std::byte* transport) noexcept {
  return load_be32(transport + tcp::kSequence);
}
// The handle that an answer acknowledges, in its first twelve bytes.
[[nodiscard]] inline std::uint32_t acknowledged_handle(const std::byte* transport) noexcept {
  return load_be32(transport + tcp::kAcknowledged) - 1;
}

inline std::size_t put_transport(std::byte* transport) noexcept {
  transport[tcp::kDataOffset] = std::byte{tcp::kMinHeaderBytes / 4 << 4};
  transport[tcp::kFlags] = std::byte{tcp::kSyn};
  store_be16(transport + tcp::kWindow, 0xffff);
  return tcp::kMinHeaderBytes;
}

// As echo::patch().
inline std::uint16_t patch(const ProbeFields& fields, std::uint32_t sum,
                           std::byte* transport) noexcept {
  const Ports ports = ports_of(fields.flow);
  const std::uint16_t checksum =
      checksum_of(std::uint64_t{sum} + fields.src.value + fields.dst.value + ports.src + ports.dst +
                  fields.handle);
  store_be16(transport + tcp::kSourcePort, ports.src);
  store_be16(transport + tcp::kDestinationPort, ports.dst);
  store_be32(transport + tcp::kSequence, fields.handle);
  store_be16(transport + tcp::kChecksum, checksum);
  return checksum;
}

inline constexpr Protocol kProtocol = {.kind = Kind::kTrace,
                                       .method = TraceMethod::kTcp,
                                       .word = "tcp",
                                       .ip_protocol = ipv4::kProtocolTcp,
                                       .carries_identity = false,
                                       .arrival_codes = 1U << icmp::kProtocolUnreachable,
                                       .put_options = nullptr,
                                       .put_transport = put_transport};

}  // namespace backsight::probes::trace_tcp
