// trace, icmp: an echo request whose checksum is the flow.
//
//   answer    an echo reply, which returns the payload; ICMP errors
//   proof     the identity's tag; of a quote of eight bytes the handle (id and sequence)
#pragma once

#include <cstddef>
#include <cstdint>

#include "probes/protocols/echo.h"
#include "probes/protocols/trace.h"

namespace backsight::probes::trace_icmp {

// No packet with a byte set has the checksum 0xffff: that flow is sent as 0xfffe.
[[nodiscard]] constexpr std::uint16_t checksum_for(std::uint16_t flow) noexcept {
  return flow == 0xffff ? 0xfffe : flow;
}
[[nodiscard]] constexpr std::uint16_t flow_of(std::uint16_t checksum) noexcept { return checksum; }

inline std::size_t put_transport(std::byte* transport) noexcept {
  transport[icmp::kType] = std::byte{icmp::kEchoRequest};
  return icmp::kHeaderBytes + trace::kPayloadBytes;
}

// As echo::patch().
inline std::uint16_t patch(const ProbeFields& fields, std::uint32_t sum,
                           std::byte* transport) noexcept {
  const std::uint16_t checksum = checksum_for(fields.flow);
  store_be16(transport + icmp::kChecksum, checksum);
  store_be32(transport + icmp::kHandle, fields.handle);
  trace::put_payload(fields.identity, std::uint64_t{sum} + fields.handle, checksum, transport);
  return checksum;
}

inline constexpr Protocol kProtocol = {.kind = Kind::kTrace,
                                       .method = TraceMethod::kIcmp,
                                       .word = "icmp",
                                       .ip_protocol = ipv4::kProtocolIcmp,
                                       .carries_identity = true,
                                       .arrival_codes = 0,
                                       .put_options = nullptr,
                                       .put_transport = put_transport};

}  // namespace backsight::probes::trace_icmp
