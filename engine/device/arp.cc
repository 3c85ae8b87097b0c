#include "engine/device/arp.h"

#include <cstring>

#include "probes/reading/ethernet_frame.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ethernet.h"

namespace backsight::engine {
namespace {

namespace ethernet = probes::ethernet;
using probes::load_be16;
using probes::load_be32;
using probes::store_be16;
using probes::store_be32;

constexpr std::size_t kArpBytes = 28;
constexpr std::uint16_t kHardwareEthernet = 1;
constexpr std::uint16_t kRequest = 1;
constexpr std::uint16_t kReply = 2;

void store_mac(std::byte* at, probes::MacAddr mac) noexcept {
  std::memcpy(at, mac.bytes.data(), mac.bytes.size());
}

ArpFrame craft(std::uint16_t operation, probes::MacAddr to, const ArpPacket& packet) noexcept {
  ArpFrame frame{};
  store_ethernet(frame.data(), to, packet.sender_mac);
  store_be16(&frame[ethernet::kTypeOffset], ethernet::kTypeArp);
  std::byte* arp = &frame[kEthernetBytes];
  store_be16(arp, kHardwareEthernet);
  store_be16(arp + 2, ethernet::kTypeIpv4);
  arp[4] = std::byte{6};
  arp[5] = std::byte{4};
  store_be16(arp + 6, operation);
  store_mac(arp + 8, packet.sender_mac);
  store_be32(arp + 14, packet.sender.value);
  store_mac(arp + 18, packet.target_mac);
  store_be32(arp + 24, packet.target.value);
  return frame;
}

}  // namespace

void store_ethernet(std::byte* at, probes::MacAddr to, probes::MacAddr from) noexcept {
  store_mac(at, to);
  store_mac(at + 6, from);
  store_be16(at + ethernet::kTypeOffset, ethernet::kTypeIpv4);
}

std::string_view name(ArpOutcome outcome) noexcept {
  switch (outcome) {
    case ArpOutcome::kRequest:
      return "request";
    case ArpOutcome::kAnswer:
      return "answer";
    case ArpOutcome::kUnasked:
      return "unasked";
    case ArpOutcome::kOther:
      return "other";
    case ArpOutcome::kConflict:
      return "conflict";
    case ArpOutcome::kBadSender:
      return "bad_sender";
    case ArpOutcome::kMalformed:
      return "malformed";
    case ArpOutcome::kCount:
      break;
  }
  return "unknown";
}

std::optional<ArpPacket> parse_arp(std::span<const std::byte> frame) noexcept {
  const auto payload = probes::read_ethernet(frame);
  if (!payload || payload->type != ethernet::kTypeArp) return std::nullopt;
  if (frame.size() < payload->offset + kArpBytes) return std::nullopt;
  const std::byte* arp = &frame[payload->offset];
  const std::uint16_t operation = load_be16(arp + 6);
  if (load_be16(arp) != kHardwareEthernet || load_be16(arp + 2) != ethernet::kTypeIpv4 ||
      arp[4] != std::byte{6} || arp[5] != std::byte{4} ||
      (operation != kRequest && operation != kReply)) {
    return std::nullopt;
  }
  return ArpPacket{.is_request = operation == kRequest,
                   .sender_mac = load_mac(arp + 8),
                   .sender = {load_be32(arp + 14)},
                   .target_mac = load_mac(arp + 18),
                   .target = {load_be32(arp + 24)}};
}

bool is_station(probes::MacAddr mac) noexcept {
  return (mac.bytes[0] & 1) == 0 && mac != probes::MacAddr{};
}

bool has_possible_sender(const ArpPacket& packet) noexcept {
  if (!is_station(packet.sender_mac)) return false;
  if (packet.sender.is_unspecified()) return packet.is_request;
  // "This network", the loopback, and from multicast on to the limited broadcast (RFC
  // 1122, 3.2.1.3).
  const std::uint32_t first = packet.sender.value >> 24;
  return first != 0 && first != 127 && first < 224;
}

ArpFrame craft_arp_request(probes::MacAddr own_mac, probes::Ipv4Addr own, probes::Ipv4Addr target,
                           probes::MacAddr to) noexcept {
  return craft(kRequest, to,
               {.sender_mac = own_mac, .sender = own, .target_mac = {}, .target = target});
}

ArpFrame craft_arp_reply(probes::MacAddr own_mac, probes::Ipv4Addr own,
                         const ArpPacket& request) noexcept {
  return craft(kReply, request.sender_mac,
               {.sender_mac = own_mac,
                .sender = own,
                .target_mac = request.sender_mac,
                .target = request.sender});
}

}  // namespace backsight::engine
