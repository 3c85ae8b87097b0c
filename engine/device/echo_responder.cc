#include "engine/device/echo_responder.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/device/arp.h"
#include "probes/reading/ethernet_frame.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"
#include "probes/wire/ethernet.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/ipv4_options.h"

namespace backsight::engine {
namespace {

namespace ethernet = probes::ethernet;
namespace icmp = probes::icmp;
namespace ipv4 = probes::ipv4;
using probes::store_be16;
using probes::store_be32;

constexpr std::uint8_t kReplyTtl = 64;

// Writes `address` into the first free slot, if there is a Record Route option with one.
void stamp(std::span<std::byte> options, probes::Ipv4Addr address) noexcept {
  ipv4::OptionWalk walk(options);
  for (std::span<std::byte> option; walk.next(option);) {
    if (option[0] != std::byte{ipv4::kRecordRoute}) continue;
    if (option.size() < ipv4::kRecordRouteHeaderBytes) return;
    std::byte& pointer = option[ipv4::kOptionPointer];
    const auto pointer_1based = std::to_integer<std::size_t>(pointer);
    if (pointer_1based <= ipv4::kRecordRouteHeaderBytes ||
        pointer_1based - 1 + ipv4::kRecordRouteSlotBytes > option.size()) {
      return;
    }
    store_be32(&option[pointer_1based - 1], address.value);
    pointer = static_cast<std::byte>(pointer_1based + ipv4::kRecordRouteSlotBytes);
    return;
  }
}

// Makes the checksum field at `offset` of `bytes` right.
void sum_up(std::span<std::byte> bytes, std::size_t offset) noexcept {
  store_be16(&bytes[offset], 0);
  store_be16(&bytes[offset], probes::checksum_of(probes::ones_sum(bytes)));
}

// True if `packet` is a whole echo request to `own`.
bool is_echo_request(std::span<const std::byte> packet, probes::Ipv4Addr own) noexcept {
  if (packet.size() < ipv4::kMinHeaderBytes) return false;
  const ipv4::HeaderView header(packet.data());
  const std::size_t header_bytes = header.header_bytes();
  const std::size_t total = header.total_length();
  return header.version() == 4 && header_bytes >= ipv4::kMinHeaderBytes && total <= packet.size() &&
         total >= header_bytes + icmp::kHeaderBytes &&
         packet[header_bytes + icmp::kType] == std::byte{icmp::kEchoRequest} &&
         header.destination() == own;
}

}  // namespace

std::span<std::byte> answer_echo_in_place(std::span<std::byte> frame,
                                          probes::Ipv4Addr own) noexcept {
  const auto payload = probes::read_ethernet(frame);
  if (!payload || payload->type != ethernet::kTypeIpv4) return {};
  if (!is_echo_request(frame.subspan(payload->offset), own)) return {};
  const ipv4::HeaderView header(&frame[payload->offset]);
  const std::size_t header_bytes = header.header_bytes();
  const std::span<std::byte> packet = frame.subspan(payload->offset, header.total_length());
  const std::span<std::byte> message = packet.subspan(header_bytes);

  std::array<std::byte, 2 * ethernet::kAddressBytes> macs;
  std::copy_n(frame.begin(), macs.size(), macs.begin());
  std::rotate(macs.begin(), macs.begin() + ethernet::kAddressBytes, macs.end());
  const std::span<std::byte> reply =
      frame.subspan(payload->offset - kEthernetBytes, kEthernetBytes + packet.size());
  std::ranges::copy(macs, reply.begin());

  store_be32(&packet[ipv4::kDestination], header.source().value);
  store_be32(&packet[ipv4::kSource], own.value);
  packet[ipv4::kTtl] = std::byte{kReplyTtl};
  stamp(packet.first(header_bytes).subspan(ipv4::kOptions), own);
  sum_up(packet.first(header_bytes), ipv4::kChecksum);
  message[icmp::kType] = std::byte{icmp::kEchoReply};
  sum_up(message, icmp::kChecksum);
  return reply;
}

}  // namespace backsight::engine
