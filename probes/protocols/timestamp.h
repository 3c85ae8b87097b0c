// ts: a ping with the Internet Timestamp option (RFC 791, section 3.1, type 68) of one of three
// types. Flow, answer and proof are a ping's; the option comes back as Record Route's does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "probes/protocols/echo.h"

namespace backsight::probes::timestamp {

struct TypeRow {
  TimestampType type;
  std::string_view word;
};
inline constexpr std::array<TypeRow, 3> kTypes = {{{TimestampType::kOnly, "tsonly"},
                                                   {TimestampType::kWithAddresses, "tsandaddr"},
                                                   {TimestampType::kPrespecified, "tsprespec"}}};

// Shapes of the kind: one of each type, of the prespecified one for each number of addresses.
inline constexpr std::size_t kShapes = 2 + kMaxTimestampAddresses;

// REQUIRES: `prespecified` is 1..kMaxTimestampAddresses if that is the type.
[[nodiscard]] constexpr std::size_t shape_number(TimestampType type,
                                                 std::uint8_t prespecified) noexcept {
  if (type == TimestampType::kOnly) return 0;
  return type == TimestampType::kWithAddresses ? 1 : std::size_t{1} + prespecified;
}

inline std::size_t put_options(const Shape& shape, std::byte* options) noexcept {
  const bool is_prespecified = shape.timestamp == TimestampType::kPrespecified;
  const std::size_t pairs = is_prespecified ? shape.prespecified : kMaxTimestampAddresses;
  const std::size_t slots_bytes = shape.timestamp == TimestampType::kOnly
                                      ? ipv4::kTimestampBytes * kMaxTimestamps
                                      : ipv4::kTimestampPairBytes * pairs;
  const std::size_t length = ipv4::kTimestampHeaderBytes + slots_bytes;
  options[0] = std::byte{ipv4::kTimestamp};
  options[ipv4::kOptionLength] = static_cast<std::byte>(length);
  options[ipv4::kOptionPointer] = std::byte{ipv4::kTimestampHeaderBytes + 1};
  options[ipv4::kTimestampFlags] = static_cast<std::byte>(shape.timestamp);
  return length;
}

// Writes the addresses that are to stamp and returns what they add to the header's sum.
inline std::uint64_t patch_options(std::span<const Ipv4Addr> addresses,
                                   std::byte* options) noexcept {
  std::uint64_t sum = 0;
  std::byte* slot = options + ipv4::kTimestampHeaderBytes;
  for (const Ipv4Addr address : addresses) {
    store_be32(slot, address.value);
    sum += address.value;
    slot += ipv4::kTimestampPairBytes;
  }
  return sum;
}

inline constexpr KindRow kKind = {Kind::kTimestamp, "ts", "timestamps"};
inline constexpr Protocol kProtocol = [] {
  Protocol it = echo::kProtocol;
  it.kind = Kind::kTimestamp;
  it.put_options = put_options;
  return it;
}();

}  // namespace backsight::probes::timestamp
