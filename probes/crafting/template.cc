#include "probes/crafting/template.h"

#include "probes/assert.h"

namespace backsight::probes {

static_assert(kMaxProbeBytes == ipv4::kMaxHeaderBytes + trace::kHeaderBytes + trace::kPayloadBytes);

Template::Template(const Shape& shape) noexcept : shape_(shape) {
  BACKSIGHT_ASSERT(shape.kind != Kind::kTimestamp ||
                   shape.timestamp != TimestampType::kPrespecified ||
                   (shape.prespecified >= 1 && shape.prespecified <= kMaxTimestampAddresses));
  const Protocol& protocol = protocol_of(shape.kind, shape.method);
  std::byte* const header = bytes_.data();
  const std::size_t options_bytes =
      protocol.put_options == nullptr ? 0 : protocol.put_options(shape, header + ipv4::kOptions);
  const std::size_t header_bytes = ipv4::kMinHeaderBytes + options_bytes;
  const std::size_t transport_bytes = protocol.put_transport(header + header_bytes);
  const std::size_t size = header_bytes + transport_bytes;

  header[ipv4::kVersionAndLength] = static_cast<std::byte>(4 << 4 | header_bytes / 4);
  store_be16(header + ipv4::kTotalLength, static_cast<std::uint16_t>(size));
  header[ipv4::kProtocol] = std::byte{protocol.ip_protocol};

  size_ = static_cast<std::uint8_t>(size);
  header_bytes_ = static_cast<std::uint8_t>(header_bytes);
  ip_sum_ = ones_sum({header, header_bytes});
  transport_sum_ = ones_sum({header + header_bytes, transport_bytes});
  if (protocol.ip_protocol != ipv4::kProtocolIcmp) {
    transport_sum_ += static_cast<std::uint32_t>(
        pseudo_header_sum({}, {}, protocol.ip_protocol, transport_bytes));
  }
}

}  // namespace backsight::probes
