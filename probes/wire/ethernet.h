// Ethernet framing: addresses, VLAN tags (IEEE 802.1Q and 802.1ad) and types.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backsight::probes::ethernet {

inline constexpr std::size_t kHeaderBytes = 14;
inline constexpr std::size_t kAddressBytes = 6;  // the destination's, then the source's
inline constexpr std::size_t kVlanTagBytes = 4;
inline constexpr std::size_t kMaxPriorityTags = 2;  // that are read
inline constexpr std::size_t kMinFrameBytes = 60;   // without the frame check sequence

inline constexpr std::size_t kTypeOffset = 12;

inline constexpr std::uint16_t kTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kTypeArp = 0x0806;
inline constexpr std::uint16_t kTypeVlan = 0x8100;
inline constexpr std::uint16_t kTypeServiceVlan = 0x88a8;
inline constexpr std::uint16_t kVlanIdMask = 0x0fff;  // of a tag's first two bytes

}  // namespace backsight::probes::ethernet
