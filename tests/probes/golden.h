// The probes that several tests use: one of each shape, always the same.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "probes/assert.h"
#include "probes/crafting/template.h"
#include "probes/identity/identity.h"
#include "probes/ip/address.h"
#include "tests/support/hex.h"

namespace backsight::testing {

// An address, a tag key and a probe id of documentation, as docs/wire-identity.md uses them.
[[nodiscard]] inline probes::Ipv4Addr ip(std::string_view text) {
  const auto address = probes::parse_ipv4(text);
  BACKSIGHT_ASSERT(address.has_value());
  return *address;
}

inline constexpr probes::TagKey kGoldenKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};
inline constexpr probes::ProbeId kGoldenId{.vp = 1, .number = 17};
inline constexpr std::uint32_t kGoldenHandle = 0xa1b2c3d4;
inline constexpr std::uint16_t kGoldenFlow = 0x1111;

inline constexpr probes::Shape kPing{.kind = probes::Kind::kPing};
inline constexpr probes::Shape kRecordRoute{.kind = probes::Kind::kRecordRoute};
inline constexpr probes::Shape kTimestamps{.kind = probes::Kind::kTimestamp};
inline constexpr probes::Shape kTimestampsWithAddresses{
    .kind = probes::Kind::kTimestamp, .timestamp = probes::TimestampType::kWithAddresses};
inline constexpr probes::Shape kPrespecified{.kind = probes::Kind::kTimestamp,
                                             .timestamp = probes::TimestampType::kPrespecified,
                                             .prespecified = 2};
inline constexpr probes::Shape kIcmpTrace{.kind = probes::Kind::kTrace,
                                          .method = probes::TraceMethod::kIcmp};
inline constexpr probes::Shape kUdpTrace{.kind = probes::Kind::kTrace,
                                         .method = probes::TraceMethod::kUdp};
inline constexpr probes::Shape kTcpTrace{.kind = probes::Kind::kTrace,
                                         .method = probes::TraceMethod::kTcp};

inline constexpr std::array kAllShapes = {
    kPing,         kRecordRoute, kTimestamps, kTimestampsWithAddresses,
    kPrespecified, kIcmpTrace,   kUdpTrace,   kTcpTrace};

// From 192.0.2.1 to 203.0.113.2 with TTL 64 and IP id 1234, tagged with kGoldenKey.
[[nodiscard]] probes::ProbeFields golden_fields(const probes::Shape& shape);

[[nodiscard]] Packet craft(const probes::Shape& shape, const probes::ProbeFields& fields);
[[nodiscard]] Packet make_golden_probe(const probes::Shape& shape);

}  // namespace backsight::testing
