// trace, udp: a datagram (RFC 768) to a port where nobody listens. The handle's halves are the IPv4
// id and the checksum; the payload makes the checksum right.
//
//   flow      source port 0x8000 + (flow & 0x7fff), destination port 33434 + (flow >> 15)
//   answer    ICMP errors; "port unreachable" and "protocol unreachable" are the destination's
//   proof     the tag in a long quote; in a short one handle and ports. Routers change the id, NATs
//             the checksum: then one half of the handle and the flow
#pragma once

#include <cstddef>
#include <cstdint>

#include "probes/protocols/trace.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ipv4.h"

namespace backsight::probes::trace_udp {

inline constexpr std::uint16_t kFirstPort = 33434;

[[nodiscard]] constexpr Ports ports_of(std::uint16_t flow) noexcept {
  return trace::ports_of(flow, kFirstPort, kFirstPort + 1);
}
// Of ports that no flow has, a flow whose ports differ.
[[nodiscard]] constexpr std::uint16_t flow_of(Ports ports) noexcept {
  return trace::flow_of(ports, kFirstPort);
}

// True iff a probe can carry `handle`: checksum 0 means "none", and none comes out as 0xffff.
[[nodiscard]] constexpr bool is_handle(std::uint32_t handle) noexcept {
  const std::uint32_t low = handle & 0xffff;
  return low != 0 && low != 0xffff;
}
[[nodiscard]] constexpr std::uint16_t ip_id_of(std::uint32_t handle) noexcept {
  return static_cast<std::uint16_t>(handle >> 16);
}
[[nodiscard]] inline std::uint32_t handle_of(std::uint16_t ip_id,
                                             const std::byte* transport) noexcept {
  return std::uint32_t{ip_id} << 16 | load_be16(transport + udp::kChecksum);
}

inline std::size_t put_transport(std::byte* transport) noexcept {
  constexpr std::size_t kBytes = udp::kHeaderBytes + trace::kPayloadBytes;
  store_be16(transport + udp::kLength, kBytes);
  return kBytes;
}

// As echo::patch(). REQUIRES: is_handle(fields.handle).
inline std::uint16_t patch(const ProbeFields& fields, std::uint32_t sum,
                           std::byte* transport) noexcept {
  BACKSIGHT_ASSERT(is_handle(fields.handle));
  const auto checksum = static_cast<std::uint16_t>(fields.handle);
  const Ports ports = ports_of(fields.flow);
  store_be16(transport + udp::kSourcePort, ports.src);
  store_be16(transport + udp::kDestinationPort, ports.dst);
  store_be16(transport + udp::kChecksum, checksum);
  trace::put_payload(
      fields.identity,
      std::uint64_t{sum} + fields.src.value + fields.dst.value + ports.src + ports.dst, checksum,
      transport);
  return checksum;
}

inline constexpr Protocol kProtocol = {
    .kind = Kind::kTrace,
    .method = TraceMethod::kUdp,
    .word = "udp",
    .ip_protocol = ipv4::kProtocolUdp,
    .carries_identity = true,
    .arrival_codes = 1U << icmp::kPortUnreachable | 1U << icmp::kProtocolUnreachable,
    .put_options = nullptr,
    .put_transport = put_transport};

}  // namespace backsight::probes::trace_udp
