// Turns a probe into bytes, from the IPv4 header on. Prepare a template once for each shape of
// probe, then patch what varies: every varying byte is written each time, and both checksums are
// right in the end. probes/protocols/ says of each kind what it looks like.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "probes/probe.h"
#include "probes/protocols.h"
#include "probes/protocols/fields.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/transport.h"

namespace backsight::probes {

// 60 bytes of IPv4 header, 20 of TCP or 8 + 20 of UDP or ICMP.
inline constexpr std::size_t kMaxProbeBytes = 88;

// A prepared probe: constant bytes in place, their checksums summed.
// Thread: immutable after construction.
class Template {
 public:
  // REQUIRES: a prespecified timestamp shape asks for 1 to kMaxTimestampAddresses addresses.
  explicit Template(const Shape& shape) noexcept;

  // Bytes of the finished probe, IPv4 header included.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::uint8_t ip_protocol() const noexcept {
    return std::to_integer<std::uint8_t>(bytes_[ipv4::kProtocol]);
  }
  // True if probes of this shape can be crafted many at once (probes/crafting/echo_burst.h).
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
  void patch_ip(const ProbeFields& fields, std::byte* out) const noexcept;

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

// Copies a probe in blocks that overlap, each of constant size: faster than a call of memcpy.
// REQUIRES: kMinProbeBytes <= size <= kMaxProbeBytes.
inline void copy_probe(std::byte* out, const std::byte* from, std::size_t size) noexcept {
  constexpr std::size_t kBlock = 32;
  static_assert(kBlock <= kMinProbeBytes && kMaxProbeBytes <= 3 * kBlock);
  std::memcpy(out, from, kBlock);
  if (size > 2 * kBlock) std::memcpy(out + kBlock, from + kBlock, kBlock);
  std::memcpy(out + size - kBlock, from + size - kBlock, kBlock);
}

}  // namespace craft_detail

inline std::uint16_t Template::craft(const ProbeFields& fields, std::byte* out) const noexcept {
  craft_detail::copy_probe(out, bytes_.data(), size_);
  patch_ip(fields, out);
  std::byte* const transport = out + header_bytes_;
  if (shape_.kind != Kind::kTrace) return echo::patch(fields, transport_sum_, transport);
  if (shape_.method == TraceMethod::kIcmp) {
    return trace_icmp::patch(fields, transport_sum_, transport);
  }
  if (shape_.method == TraceMethod::kUdp) {
    return trace_udp::patch(fields, transport_sum_, transport);
  }
  return trace_tcp::patch(fields, transport_sum_, transport);
}

inline void Template::patch_ip(const ProbeFields& fields, std::byte* out) const noexcept {
  const bool is_udp_trace = shape_.kind == Kind::kTrace && shape_.method == TraceMethod::kUdp;
  const std::uint16_t ip_id = is_udp_trace ? trace_udp::ip_id_of(fields.handle) : fields.ip_id;
  std::uint64_t sum = std::uint64_t{ip_sum_} + ip_id + (std::uint64_t{fields.ttl} << 8) +
                      fields.src.value + fields.dst.value;
  if (shape_.kind == Kind::kTimestamp && shape_.timestamp == TimestampType::kPrespecified) {
    sum += timestamp::patch_options(fields.prespecified.first(shape_.prespecified),
                                    out + ipv4::kOptions);
  }
  store_be16(out + ipv4::kId, ip_id);
  out[ipv4::kTtl] = static_cast<std::byte>(fields.ttl);
  store_be16(out + ipv4::kChecksum, checksum_of(sum));
  store_be32(out + ipv4::kSource, fields.src.value);
  store_be32(out + ipv4::kDestination, fields.dst.value);
}

}  // namespace backsight::probes
