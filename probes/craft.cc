#include "probes/craft.h"

#include <cstring>

#include "probes/wire/assert.h"
#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/transport.h"

namespace backsight::probes {
namespace {

constexpr std::size_t kRecordRouteBytes = ipv4::kRecordRouteHeaderBytes + 4 * kMaxRecordedHops;

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
    const std::size_t slots_bytes =
        shape.timestamp == TimestampType::kOnly
            ? 4 * kMaxTimestamps
            : craft_detail::kTimestampPairBytes * timestamp_pairs(shape);
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

}  // namespace backsight::probes
