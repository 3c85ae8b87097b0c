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
#include <cstring>
#include <span>

#include "probes/address.h"
#include "probes/identity.h"
#include "probes/probe.h"
#include "probes/wire/assert.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/transport.h"

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
  std::span<const Ipv4Addr> prespecified;  // of a prespecified ts: as many as its shape asks for
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
  // True if probes of this shape can be crafted many at once (probes/craft_burst.h).
  [[nodiscard]] bool is_plain_echo() const noexcept {
    return shape_.kind != Kind::kTrace &&
           (shape_.kind != Kind::kTimestamp || shape_.timestamp != TimestampType::kPrespecified);
  }

  // The constant parts, for who patches them himself.
  [[nodiscard]] const std::byte* bytes() const noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t header_bytes() const noexcept { return header_bytes_; }
  [[nodiscard]] std::uint32_t ip_sum() const noexcept { return ip_sum_; }
  [[nodiscard]] std::uint32_t transport_sum() const noexcept { return transport_sum_; }

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

// What follows is inline because the engine calls it for every probe.

namespace craft_detail {

inline constexpr std::size_t kMinProbeBytes = ipv4::kMinHeaderBytes + tcp::kMinHeaderBytes;
inline constexpr std::size_t kTimestampPairBytes = 8;  // an address and its timestamp

// Copies a probe in blocks that overlap, each of constant size: faster than a call of memcpy.
// REQUIRES: kMinProbeBytes <= size <= kMaxProbeBytes.
inline void copy_probe(std::byte* out, const std::byte* from, std::size_t size) noexcept {
  constexpr std::size_t kBlock = 32;
  static_assert(kBlock <= kMinProbeBytes && kMaxProbeBytes <= 3 * kBlock);
  std::memcpy(out, from, kBlock);
  if (size > 2 * kBlock) std::memcpy(out + kBlock, from + kBlock, kBlock);
  std::memcpy(out + size - kBlock, from + size - kBlock, kBlock);
}

inline std::uint64_t identity_sum(const Identity& identity) noexcept {
  return halves((std::uint64_t{identity.id.vp} << 48) | identity.id.number) + halves(identity.tag);
}

}  // namespace craft_detail

inline std::uint16_t Template::craft(const ProbeFields& fields, std::byte* out) const noexcept {
  craft_detail::copy_probe(out, bytes_.data(), size_);
  patch_ip(fields, out);
  std::byte* const transport = out + header_bytes_;
  if (shape_.kind != Kind::kTrace) return patch_echo(fields, transport);
  if (shape_.method == TraceMethod::kIcmp) return patch_icmp_trace(fields, transport);
  if (shape_.method == TraceMethod::kUdp) return patch_udp_trace(fields, transport);
  return patch_tcp_trace(fields, transport);
}

inline void Template::patch_ip(const ProbeFields& fields, std::byte* out) const noexcept {
  const bool is_udp_trace = shape_.kind == Kind::kTrace && shape_.method == TraceMethod::kUdp;
  const std::uint16_t ip_id =
      is_udp_trace ? static_cast<std::uint16_t>(fields.handle >> 16) : fields.ip_id;
  std::uint64_t sum = std::uint64_t{ip_sum_} + ip_id + (std::uint64_t{fields.ttl} << 8) +
                      fields.src.value + fields.dst.value;
  if (shape_.kind == Kind::kTimestamp && shape_.timestamp == TimestampType::kPrespecified) {
    std::byte* slot = out + ipv4::kOptions + ipv4::kTimestampHeaderBytes;
    for (std::size_t i = 0; i < shape_.prespecified;
         ++i, slot += craft_detail::kTimestampPairBytes) {
      store_be32(slot, fields.prespecified[i].value);
      sum += fields.prespecified[i].value;
    }
  }
  store_be16(out + ipv4::kId, ip_id);
  out[ipv4::kTtl] = static_cast<std::byte>(fields.ttl);
  store_be16(out + ipv4::kChecksum, checksum_of(sum));
  store_be32(out + ipv4::kSource, fields.src.value);
  store_be32(out + ipv4::kDestination, fields.dst.value);
}

inline std::uint16_t Template::patch_echo(const ProbeFields& fields,
                                          std::byte* transport) const noexcept {
  const std::uint16_t checksum = checksum_of(std::uint64_t{transport_sum_} + fields.handle +
                                             craft_detail::identity_sum(fields.identity));
  store_be16(transport + icmp::kChecksum, checksum);
  store_be32(transport + icmp::kHandle, fields.handle);
  store_identity(transport + icmp::kHeaderBytes, fields.identity);
  return checksum;
}

inline std::uint16_t Template::patch_icmp_trace(const ProbeFields& fields,
                                                std::byte* transport) const noexcept {
  const std::uint16_t checksum = fields.flow == 0xffff ? 0xfffe : fields.flow;
  const std::uint64_t sum =
      std::uint64_t{transport_sum_} + fields.handle + craft_detail::identity_sum(fields.identity);
  store_be16(transport + icmp::kChecksum, checksum);
  store_be32(transport + icmp::kHandle, fields.handle);
  store_identity(transport + icmp::kHeaderBytes, fields.identity);
  store_be16(transport + kCompensationOffset, compensation(sum, checksum));
  return checksum;
}

inline std::uint16_t Template::patch_udp_trace(const ProbeFields& fields,
                                               std::byte* transport) const noexcept {
  BACKSIGHT_ASSERT(is_udp_handle(fields.handle));
  const auto checksum = static_cast<std::uint16_t>(fields.handle);
  const std::uint16_t src_port = trace_source_port(fields.flow);
  const std::uint16_t dst_port = trace_udp_port(fields.flow);
  const std::uint64_t sum = std::uint64_t{transport_sum_} + fields.src.value + fields.dst.value +
                            src_port + dst_port + craft_detail::identity_sum(fields.identity);
  store_be16(transport + udp::kSourcePort, src_port);
  store_be16(transport + udp::kDestinationPort, dst_port);
  store_be16(transport + udp::kChecksum, checksum);
  store_identity(transport + udp::kHeaderBytes, fields.identity);
  store_be16(transport + kCompensationOffset, compensation(sum, checksum));
  return checksum;
}

inline std::uint16_t Template::patch_tcp_trace(const ProbeFields& fields,
                                               std::byte* transport) const noexcept {
  const std::uint16_t src_port = trace_source_port(fields.flow);
  const std::uint16_t dst_port = trace_tcp_port(fields.flow);
  const std::uint16_t checksum =
      checksum_of(std::uint64_t{transport_sum_} + fields.src.value + fields.dst.value + src_port +
                  dst_port + fields.handle);
  store_be16(transport + tcp::kSourcePort, src_port);
  store_be16(transport + tcp::kDestinationPort, dst_port);
  store_be32(transport + tcp::kSequence, fields.handle);
  store_be16(transport + tcp::kChecksum, checksum);
  return checksum;
}

}  // namespace backsight::probes
