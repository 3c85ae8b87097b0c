#include "probes/craft.h"

#include <cstring>

#include "probes/wire/assert.h"
#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/transport.h"

namespace backsight::probes {
namespace {

constexpr std::size_t kMinProbeBytes = ipv4::kMinHeaderBytes + tcp::kMinHeaderBytes;
constexpr std::size_t kRecordRouteBytes = ipv4::kRecordRouteHeaderBytes + 4 * kMaxRecordedHops;
constexpr std::size_t kTimestampPairBytes = 8;  // an address and its timestamp

static_assert(kRecordRouteBytes == 39);
static_assert(kMaxProbeBytes == ipv4::kMaxHeaderBytes + udp::kHeaderBytes + kTracePayloadBytes);

constexpr std::byte to_byte(std::size_t value) noexcept { return static_cast<std::byte>(value); }

std::size_t timestamp_pairs(const Shape& shape) noexcept {
  if (shape.timestamp == TimestampType::kPrespecified) return shape.prespecified;
  return kMaxTimestampAddresses;
}

// Writes the options of `shape` and returns their bytes, a multiple of four. The slots that routers
// fill are zero from the start.
std::size_t put_options(const Shape& shape, std::byte* options) noexcept {
  if (shape.kind == Kind::kRecordRoute) {
    options[0] = to_byte(ipv4::kRecordRoute);
    options[ipv4::kOptionLength] = to_byte(kRecordRouteBytes);
    options[ipv4::kOptionPointer] = to_byte(ipv4::kRecordRouteHeaderBytes + 1);
    options[kRecordRouteBytes] = to_byte(ipv4::kEndOfOptions);
    return kRecordRouteBytes + 1;
  }
  if (shape.kind == Kind::kTimestamp) {
    const std::size_t slots_bytes = shape.timestamp == TimestampType::kOnly
                                        ? 4 * kMaxTimestamps
                                        : kTimestampPairBytes * timestamp_pairs(shape);
    const std::size_t length = ipv4::kTimestampHeaderBytes + slots_bytes;
    options[0] = to_byte(ipv4::kTimestamp);
    options[ipv4::kOptionLength] = to_byte(length);
    options[ipv4::kOptionPointer] = to_byte(ipv4::kTimestampHeaderBytes + 1);
    options[ipv4::kTimestampFlags] = static_cast<std::byte>(shape.timestamp);
    return length;
  }
  return 0;
}

std::uint8_t protocol_of(const Shape& shape) noexcept {
  if (shape.kind != Kind::kTrace || shape.method == TraceMethod::kIcmp) return ipv4::kProtocolIcmp;
  return shape.method == TraceMethod::kUdp ? ipv4::kProtocolUdp : ipv4::kProtocolTcp;
}

// Writes the constant bytes after the IPv4 header and returns their number.
std::size_t put_transport(const Shape& shape, std::byte* transport) noexcept {
  switch (protocol_of(shape)) {
    case ipv4::kProtocolUdp: {
      constexpr std::size_t kBytes = udp::kHeaderBytes + kTracePayloadBytes;
      store_be16(transport + udp::kLength, kBytes);
      return kBytes;
    }
    case ipv4::kProtocolTcp:
      transport[tcp::kDataOffset] = to_byte(tcp::kMinHeaderBytes / 4 << 4);
      transport[tcp::kFlags] = to_byte(tcp::kSyn);
      store_be16(transport + tcp::kWindow, 0xffff);
      return tcp::kMinHeaderBytes;
    default:
      transport[icmp::kType] = to_byte(icmp::kEchoRequest);
      return icmp::kHeaderBytes +
             (shape.kind == Kind::kTrace ? kTracePayloadBytes : kIdentityBytes);
  }
}

// Copies a probe in blocks that overlap, each of constant size: faster than a call of memcpy.
// REQUIRES: kMinProbeBytes <= size <= kMaxProbeBytes.
void copy_probe(std::byte* out, const std::byte* from, std::size_t size) noexcept {
  constexpr std::size_t kBlock = 32;
  static_assert(kBlock <= kMinProbeBytes && kMaxProbeBytes <= 3 * kBlock);
  std::memcpy(out, from, kBlock);
  if (size > 2 * kBlock) std::memcpy(out + kBlock, from + kBlock, kBlock);
  std::memcpy(out + size - kBlock, from + size - kBlock, kBlock);
}

std::uint64_t identity_sum(const Identity& identity) noexcept {
  return halves((std::uint64_t{identity.id.vp} << 48) | identity.id.number) + halves(identity.tag);
}

}  // namespace

Template::Template(const Shape& shape) noexcept : shape_(shape) {
  BACKSIGHT_ASSERT(shape.kind != Kind::kTimestamp ||
                   shape.timestamp != TimestampType::kPrespecified ||
                   (shape.prespecified >= 1 && shape.prespecified <= kMaxTimestampAddresses));
  std::byte* const header = bytes_.data();
  const std::size_t header_bytes =
      ipv4::kMinHeaderBytes + put_options(shape, header + ipv4::kOptions);
  const std::size_t transport_bytes = put_transport(shape, header + header_bytes);
  const std::size_t size = header_bytes + transport_bytes;

  header[ipv4::kVersionAndLength] = to_byte(4 << 4 | header_bytes / 4);
  store_be16(header + ipv4::kTotalLength, static_cast<std::uint16_t>(size));
  header[ipv4::kProtocol] = to_byte(protocol_of(shape));

  size_ = static_cast<std::uint8_t>(size);
  header_bytes_ = static_cast<std::uint8_t>(header_bytes);
  ip_sum_ = ones_sum({header, header_bytes});
  transport_sum_ = ones_sum({header + header_bytes, transport_bytes});
  if (protocol_of(shape) != ipv4::kProtocolIcmp) {
    transport_sum_ +=
        static_cast<std::uint32_t>(pseudo_header_sum({}, {}, protocol_of(shape), transport_bytes));
  }
}

std::uint16_t Template::craft(const ProbeFields& fields, std::byte* out) const noexcept {
  copy_probe(out, bytes_.data(), size_);
  patch_ip(fields, out);
  std::byte* const transport = out + header_bytes_;
  if (shape_.kind != Kind::kTrace) return patch_echo(fields, transport);
  if (shape_.method == TraceMethod::kIcmp) return patch_icmp_trace(fields, transport);
  if (shape_.method == TraceMethod::kUdp) return patch_udp_trace(fields, transport);
  return patch_tcp_trace(fields, transport);
}

void Template::patch_ip(const ProbeFields& fields, std::byte* out) const noexcept {
  const bool is_udp_trace = shape_.kind == Kind::kTrace && shape_.method == TraceMethod::kUdp;
  const std::uint16_t ip_id =
      is_udp_trace ? static_cast<std::uint16_t>(fields.handle >> 16) : fields.ip_id;
  std::uint64_t sum = std::uint64_t{ip_sum_} + ip_id + (std::uint64_t{fields.ttl} << 8) +
                      fields.src.value + fields.dst.value;
  if (shape_.kind == Kind::kTimestamp && shape_.timestamp == TimestampType::kPrespecified) {
    std::byte* slot = out + ipv4::kOptions + ipv4::kTimestampHeaderBytes;
    for (std::size_t i = 0; i < shape_.prespecified; ++i, slot += kTimestampPairBytes) {
      store_be32(slot, fields.prespecified[i].value);
      sum += fields.prespecified[i].value;
    }
  }
  store_be16(out + ipv4::kId, ip_id);
  out[ipv4::kTtl] = to_byte(fields.ttl);
  store_be16(out + ipv4::kChecksum, checksum_of(sum));
  store_be32(out + ipv4::kSource, fields.src.value);
  store_be32(out + ipv4::kDestination, fields.dst.value);
}

std::uint16_t Template::patch_echo(const ProbeFields& fields, std::byte* transport) const noexcept {
  const std::uint16_t checksum =
      checksum_of(std::uint64_t{transport_sum_} + fields.handle + identity_sum(fields.identity));
  store_be16(transport + icmp::kChecksum, checksum);
  store_be32(transport + icmp::kHandle, fields.handle);
  store_identity(transport + icmp::kHeaderBytes, fields.identity);
  return checksum;
}

std::uint16_t Template::patch_icmp_trace(const ProbeFields& fields,
                                         std::byte* transport) const noexcept {
  const std::uint16_t checksum = fields.flow == 0xffff ? 0xfffe : fields.flow;
  const std::uint64_t sum =
      std::uint64_t{transport_sum_} + fields.handle + identity_sum(fields.identity);
  store_be16(transport + icmp::kChecksum, checksum);
  store_be32(transport + icmp::kHandle, fields.handle);
  store_identity(transport + icmp::kHeaderBytes, fields.identity);
  store_be16(transport + kCompensationOffset, compensation(sum, checksum));
  return checksum;
}

std::uint16_t Template::patch_udp_trace(const ProbeFields& fields,
                                        std::byte* transport) const noexcept {
  BACKSIGHT_ASSERT(is_udp_handle(fields.handle));
  const auto checksum = static_cast<std::uint16_t>(fields.handle);
  const std::uint16_t src_port = trace_source_port(fields.flow);
  const std::uint16_t dst_port = trace_udp_port(fields.flow);
  const std::uint64_t sum = std::uint64_t{transport_sum_} + fields.src.value + fields.dst.value +
                            src_port + dst_port + identity_sum(fields.identity);
  store_be16(transport + udp::kSourcePort, src_port);
  store_be16(transport + udp::kDestinationPort, dst_port);
  store_be16(transport + udp::kChecksum, checksum);
  store_identity(transport + udp::kHeaderBytes, fields.identity);
  store_be16(transport + kCompensationOffset, compensation(sum, checksum));
  return checksum;
}

std::uint16_t Template::patch_tcp_trace(const ProbeFields& fields,
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
