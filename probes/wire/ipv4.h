// The IPv4 header (RFC 791, section 3.1): where its fields stand, and its options' numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/ip/address.h"
#include "probes/wire/byte_order.h"

namespace backsight::probes::ipv4 {

inline constexpr std::size_t kMinHeaderBytes = 20;
inline constexpr std::size_t kMaxHeaderBytes = 60;

// Offsets of the fields.
inline constexpr std::size_t kVersionAndLength = 0;
inline constexpr std::size_t kTos = 1;
inline constexpr std::size_t kTotalLength = 2;
inline constexpr std::size_t kId = 4;
inline constexpr std::size_t kFragment = 6;
inline constexpr std::size_t kTtl = 8;
inline constexpr std::size_t kProtocol = 9;
inline constexpr std::size_t kChecksum = 10;
inline constexpr std::size_t kSource = 12;
inline constexpr std::size_t kDestination = 16;
inline constexpr std::size_t kOptions = 20;

inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;

// In the 16 bits at kFragment.
inline constexpr std::uint16_t kMoreFragments = 0x2000;
inline constexpr std::uint16_t kFragmentOffset = 0x1fff;

inline constexpr std::uint8_t kEndOfOptions = 0;
inline constexpr std::uint8_t kNoOperation = 1;
inline constexpr std::uint8_t kRecordRoute = 7;
inline constexpr std::uint8_t kTimestamp = 68;

// Offsets inside an option, and inside one that records. Its pointer counts from 1.
inline constexpr std::size_t kOptionLength = 1;
inline constexpr std::size_t kOptionPointer = 2;
inline constexpr std::size_t kTimestampFlags = 3;  // overflow in the high half, type in the low
inline constexpr std::size_t kOptionHeaderBytes = 2;
inline constexpr std::size_t kRecordRouteHeaderBytes = 3;
inline constexpr std::size_t kRecordRouteSlotBytes = 4;
inline constexpr std::size_t kTimestampHeaderBytes = 4;
inline constexpr std::size_t kTimestampBytes = 4;
inline constexpr std::size_t kTimestampPairBytes = 8;  // an address and its timestamp

// A header whose first 20 bytes are there. REQUIRES: `at` has kMinHeaderBytes.
class HeaderView {
 public:
  explicit constexpr HeaderView(const std::byte* at) noexcept : at_(at) {}

  [[nodiscard]] std::uint8_t version() const noexcept { return u8(kVersionAndLength) >> 4; }
  // 0..60; not yet compared with anything.
  [[nodiscard]] std::size_t header_bytes() const noexcept {
    return std::size_t{u8(kVersionAndLength)} % 16 * 4;
  }
  [[nodiscard]] std::uint8_t tos() const noexcept { return u8(kTos); }
  [[nodiscard]] std::uint16_t total_length() const noexcept {
    return load_be16(at_ + kTotalLength);
  }
  [[nodiscard]] std::uint16_t id() const noexcept { return load_be16(at_ + kId); }
  [[nodiscard]] std::uint16_t fragment() const noexcept { return load_be16(at_ + kFragment); }
  [[nodiscard]] std::uint8_t ttl() const noexcept { return u8(kTtl); }
  [[nodiscard]] std::uint8_t protocol() const noexcept { return u8(kProtocol); }
  [[nodiscard]] Ipv4Addr source() const noexcept { return {load_be32(at_ + kSource)}; }
  [[nodiscard]] Ipv4Addr destination() const noexcept { return {load_be32(at_ + kDestination)}; }

 private:
  [[nodiscard]] std::uint8_t u8(std::size_t offset) const noexcept {
    return std::to_integer<std::uint8_t>(at_[offset]);
  }

  const std::byte* at_;
};

}  // namespace backsight::probes::ipv4
