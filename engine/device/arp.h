// Address resolution on Ethernet (RFC 826, RFC 5227): frames in, frames out, nothing kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "probes/ip/address.h"
#include "probes/wire/ethernet.h"
#include "probes/wire/mac_addr.h"

namespace backsight::engine {

inline constexpr std::size_t kEthernetBytes = probes::ethernet::kHeaderBytes;
inline constexpr std::size_t kArpFrameBytes = kEthernetBytes + 28;

// What became of an ARP frame that was received. Each is a counter.
enum class ArpOutcome : std::uint8_t {
  kRequest,    // asks for our address
  kAnswer,     // answers a question of ours, or tells of a neighbour that we lack: believed
  kUnasked,    // another Ethernet address for a neighbour that we know, and not asked for
  kOther,      // no news of anybody that we ask for
  kConflict,   // somebody else claims our own address (RFC 5227, section 2.4)
  kBadSender,  // claims what no RFC lets be believed
  kMalformed,  // too short, not of IPv4 on Ethernet, or neither request nor reply
  kCount
};
[[nodiscard]] std::string_view name(ArpOutcome outcome) noexcept;

struct ArpPacket {
  bool is_request = false;
  probes::MacAddr sender_mac;
  probes::Ipv4Addr sender;
  probes::MacAddr target_mac;
  probes::Ipv4Addr target;
};

// Reads an Ethernet frame that holds ARP for IPv4, behind priority tags or none. Nothing when it is
// anything else, too short, or neither a request nor a reply.
[[nodiscard]] std::optional<ArpPacket> parse_arp(std::span<const std::byte> frame) noexcept;

// True for the Ethernet address of one station: neither a group's (RFC 1812, section 3.3.2) nor
// zero.
[[nodiscard]] bool is_station(probes::MacAddr mac) noexcept;

// True if a host may say this of itself: the address of one station, and of one host. A request
// may come from 0.0.0.0, which claims nothing (RFC 5227, section 1.1).
[[nodiscard]] bool has_possible_sender(const ArpPacket& packet) noexcept;

using ArpFrame = std::array<std::byte, kArpFrameBytes>;
// Asks `to` who has `target`: everybody, or a neighbour whether it is still there (RFC 1122,
// section 2.3.2.1). A gratuitous one asks for `own` itself.
[[nodiscard]] ArpFrame craft_arp_request(probes::MacAddr own_mac, probes::Ipv4Addr own,
                                         probes::Ipv4Addr target,
                                         probes::MacAddr to = probes::kBroadcastMac) noexcept;
[[nodiscard]] ArpFrame craft_arp_reply(probes::MacAddr own_mac, probes::Ipv4Addr own,
                                       const ArpPacket& request) noexcept;

// Reads an Ethernet address. REQUIRES: `at` has six bytes.
[[nodiscard]] inline probes::MacAddr load_mac(const std::byte* at) noexcept {
  probes::MacAddr mac;
  std::memcpy(mac.bytes.data(), at, mac.bytes.size());
  return mac;
}

// Writes the 14 bytes before an IPv4 packet. REQUIRES: `at` has them.
void store_ethernet(std::byte* at, probes::MacAddr to, probes::MacAddr from) noexcept;

}  // namespace backsight::engine
