// The head of a received Ethernet frame: where its payload begins, and of what kind it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <tl/expected.hpp>

#include "probes/reading/reject.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ethernet.h"

namespace backsight::probes {

struct EthernetPayload {
  std::size_t offset = 0;  // of its first byte in the frame
  std::uint16_t type = 0;  // EtherType
};

// Skips up to two tags that name no VLAN but a priority (VID 0; IEEE 802.1Q, table 9-2). A tag of a
// VLAN is kVlan: the frame is not of the network that the port is in.
[[nodiscard]] inline tl::expected<EthernetPayload, Reject> read_ethernet(
    std::span<const std::byte> frame) noexcept {
  std::size_t offset = ethernet::kHeaderBytes;
  for (std::size_t tags = 0;; ++tags, offset += ethernet::kVlanTagBytes) {
    if (frame.size() < offset) return tl::make_unexpected(Reject::kFrameTooShort);
    const std::uint16_t type = load_be16(frame.data() + offset - sizeof type);
    if (type != ethernet::kTypeVlan && type != ethernet::kTypeServiceVlan) {
      return EthernetPayload{offset, type};
    }
    if (frame.size() < offset + ethernet::kVlanTagBytes) {
      return tl::make_unexpected(Reject::kFrameTooShort);
    }
    const std::uint16_t vid = load_be16(frame.data() + offset) & ethernet::kVlanIdMask;
    if (vid != 0 || tags == ethernet::kMaxPriorityTags) return tl::make_unexpected(Reject::kVlan);
  }
}

}  // namespace backsight::probes
