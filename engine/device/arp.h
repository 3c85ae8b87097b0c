// Address resolution on Ethernet (RFC 826, RFC 5227): frames in, frames out, nothing kept.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "probes/address.h"
#include "probes/wire/ethernet.h"

namespace backsight::engine {

inline constexpr std::size_t kEthernetBytes = probes::ethernet::kHeaderBytes;
inline constexpr std::size_t kArpFrameBytes = kEthernetBytes + 28;

struct ArpPacket {
  bool is_request = false;
  probes::MacAddr sender_mac;
  probes::Ipv4Addr sender;
  probes::MacAddr target_mac;
  probes::Ipv4Addr target;
};

// Reads an Ethernet frame that holds ARP for IPv4, with up to two VLAN tags. Nothing when it is
// anything else, too short, or neither a request nor a reply.
[[nodiscard]] std::optional<ArpPacket> parse_arp(std::span<const std::byte> frame) noexcept;

using ArpFrame = std::array<std::byte, kArpFrameBytes>;
// A broadcast that asks who has `target`. A gratuitous one asks for `own` itself.
[[nodiscard]] ArpFrame craft_arp_request(probes::MacAddr own_mac, probes::Ipv4Addr own,
                                         probes::Ipv4Addr target) noexcept;
[[nodiscard]] ArpFrame craft_arp_reply(probes::MacAddr own_mac, probes::Ipv4Addr own,
                                       const ArpPacket& request) noexcept;

// Writes the 14 bytes before an IPv4 packet. REQUIRES: `at` has them.
void store_ethernet(std::byte* at, probes::MacAddr to, probes::MacAddr from) noexcept;

}  // namespace backsight::engine
