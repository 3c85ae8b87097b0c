// UDP (RFC 768) and TCP (RFC 9293) headers, and the pseudo header that both checksums cover.
#pragma once

#include <cstddef>
#include <cstdint>

#include "probes/ip/address.h"

namespace backsight::probes {

namespace udp {
inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr std::size_t kSourcePort = 0;
inline constexpr std::size_t kDestinationPort = 2;
inline constexpr std::size_t kLength = 4;
inline constexpr std::size_t kChecksum = 6;
}  // namespace udp

namespace tcp {
inline constexpr std::size_t kMinHeaderBytes = 20;
inline constexpr std::size_t kSourcePort = 0;
inline constexpr std::size_t kDestinationPort = 2;
inline constexpr std::size_t kSequence = 4;
inline constexpr std::size_t kAcknowledged = 8;
inline constexpr std::size_t kDataOffset = 12;  // in the high half, 32-bit words
inline constexpr std::size_t kFlags = 13;
inline constexpr std::size_t kWindow = 14;
inline constexpr std::size_t kChecksum = 16;

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kAck = 0x10;
}  // namespace tcp

// The pseudo header's part of a one's complement sum, not folded.
[[nodiscard]] constexpr std::uint64_t pseudo_header_sum(Ipv4Addr src, Ipv4Addr dst,
                                                        std::uint8_t protocol,
                                                        std::size_t bytes) noexcept {
  return std::uint64_t{src.value} + dst.value + protocol + bytes;
}

}  // namespace backsight::probes
