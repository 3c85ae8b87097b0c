// Turns a probe into bytes, from the IPv4 header on. Prepare a template once for each shape of
// probe, then patch what varies: every varying byte is written each time, and both checksums are
// right in the end.
//
// Shapes:
//   ping, rr, ts    ICMP echo request; identity (16 bytes) as payload; rr carries the Record Route
//                   option (RFC 791: type 7, length 39, pointer 4, nine zero slots) and one
//                   end-of-options byte, ts the timestamp option (type 68).
//   trace, icmp     ICMP echo request whose checksum is the flow; 20 bytes of payload: identity,
//                   two bytes that make the checksum right, two zero bytes. No packet with a
//                   byte set has the checksum 0xffff: that flow is sent as 0xfffe.
//   trace, udp      source port 0x8000 + (flow & 0x7fff), destination port 33434 + (flow >> 15);
//                   the checksum is the handle's low half; payload as trace, icmp.
//   trace, tcp      SYN to port 80 from source port as udp's; sequence number = handle; no payload.
//                   flow >> 15 picks port 80 or 443.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/address.h"
#include "probes/identity.h"
#include "probes/probe.h"

namespace backsight::probes {

// 60 bytes of IPv4 header, 20 of TCP or 8 + 20 of UDP or ICMP.
inline constexpr std::size_t kMaxProbeBytes = 88;

// The trace probes' ports. A flow's low 15 bits choose the source port, its top bit the
// destination.
inline constexpr std::uint16_t kTraceSourcePort = 0x8000;
inline constexpr std::uint16_t kTraceUdpPort = 33434;
inline constexpr std::array<std::uint16_t, 2> kTraceTcpPorts = {80, 443};

[[nodiscard]] constexpr std::uint16_t trace_source_port(std::uint16_t flow) noexcept {
  return static_cast<std::uint16_t>(kTraceSourcePort + (flow & 0x7fff));
}
[[nodiscard]] constexpr std::uint16_t trace_udp_port(std::uint16_t flow) noexcept {
  return static_cast<std::uint16_t>(kTraceUdpPort + (flow >> 15));
}
[[nodiscard]] constexpr std::uint16_t trace_tcp_port(std::uint16_t flow) noexcept {
  return kTraceTcpPorts[flow >> 15];
}

// Where the two bytes stand that make a trace probe's checksum what it has to be.
inline constexpr std::size_t kCompensationOffset =
    8 + kIdentityBytes;  // from the ICMP or UDP header
inline constexpr std::size_t kTracePayloadBytes = kIdentityBytes + 4;

// True iff a trace over UDP can carry `handle`.
[[nodiscard]] constexpr bool is_udp_handle(std::uint32_t handle) noexcept {
  const std::uint32_t low = handle & 0xffff;
  return low != 0 && low != 0xffff;
}

// What decides the shape of a probe.
struct Shape {
  Kind kind = Kind::kPing;
  TraceMethod method = TraceMethod::kIcmp;         // of a trace
  TimestampType timestamp = TimestampType::kOnly;  // of a ts
  std::uint8_t prespecified = 0;                   // of a prespecified ts: addresses, 1..4

  friend constexpr auto operator<=>(const Shape&, const Shape&) = default;
};

// What varies from probe to probe of one shape.
struct ProbeFields {
  Ipv4Addr src;
  Ipv4Addr dst;
  std::uint8_t ttl = 64;
  std::uint16_t ip_id = 0;   // ignored by trace over udp, which sends the handle's high half
  std::uint16_t flow = 0;    // of a trace
  std::uint32_t handle = 0;  // trace over udp: the low half is neither 0 nor 0xffff
  Identity identity;
  std::array<Ipv4Addr, kMaxTimestampAddresses> prespecified{};  // of a prespecified ts
};

// A prepared probe: constant bytes in place, their checksums summed.
// Thread: immutable after construction.
class Template {
 public:
  // REQUIRES: a prespecified timestamp shape asks for 1 to kMaxTimestampAddresses addresses.
  explicit Template(const Shape& shape) noexcept;

  // Bytes of the finished probe, IPv4 header included.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }

  // Writes the probe to `out`. Returns the value of the transport checksum as sent (host order),
  // which a quote of eight bytes shows again.
  // REQUIRES: `out` has size() bytes; for a trace over UDP, the handle's low half is neither 0 nor
  // 0xffff, which are no checksums of UDP.
  std::uint16_t craft(const ProbeFields& fields, std::byte* out) const noexcept;

 private:
  // Each writes what varies in its part of `out`; those of a transport return its checksum.
  void patch_ip(const ProbeFields& fields, std::byte* out) const noexcept;
  std::uint16_t patch_echo(const ProbeFields& fields, std::byte* transport) const noexcept;
  std::uint16_t patch_icmp_trace(const ProbeFields& fields, std::byte* transport) const noexcept;
  std::uint16_t patch_udp_trace(const ProbeFields& fields, std::byte* transport) const noexcept;
  std::uint16_t patch_tcp_trace(const ProbeFields& fields, std::byte* transport) const noexcept;

  std::array<std::byte, kMaxProbeBytes> bytes_{};
  Shape shape_;
  std::uint8_t size_ = 0;
  std::uint8_t header_bytes_ = 0;  // IPv4 header with its options
  std::uint32_t ip_sum_ = 0;       // one's complement sums of the constant bytes
  std::uint32_t transport_sum_ = 0;
};

}  // namespace backsight::probes
