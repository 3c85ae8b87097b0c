#include "engine/device/echo_responder.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/device/arp.h"
#include "probes/ethernet_frame.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {
namespace {

namespace icmp = probes::icmp;
namespace ipv4 = probes::ipv4;
using probes::load_be16;
using probes::load_be32;
using probes::store_be16;
using probes::store_be32;

constexpr std::uint8_t kReplyTtl = 64;

// Writes `address` into the first free slot, if there is a Record Route option with one.
void stamp(std::span<std::byte> options, std::uint32_t address) noexcept {
  for (std::size_t at = 0; at < options.size();) {
    if (options[at] == std::byte{ipv4::kEndOfOptions}) return;
    if (options[at] == std::byte{ipv4::kNoOperation}) {
      ++at;
      continue;
    }
    if (at + 2 > options.size()) return;
    const auto length = std::to_integer<std::size_t>(options[at + 1]);
    if (length < 3 || at + length > options.size()) return;
    if (options[at] == std::byte{ipv4::kRecordRoute}) {
      const auto pointer_1based = std::to_integer<std::size_t>(options[at + 2]);
      if (pointer_1based < 4 || pointer_1based + 3 > length) return;
      store_be32(&options[at + pointer_1based - 1], address);
      options[at + 2] = static_cast<std::byte>(pointer_1based + 4);
      return;
    }
    at += length;
  }
}

}  // namespace

std::span<std::byte> answer_echo_in_place(std::span<std::byte> frame,
                                          probes::Ipv4Addr own) noexcept {
  const auto payload = probes::read_ethernet(frame);
  if (!payload || payload->type != probes::ethernet::kTypeIpv4) return {};
  const std::size_t room = frame.size() - payload->offset;
  if (room < ipv4::kMinHeaderBytes) return {};
  std::byte* ip = &frame[payload->offset];
  const std::size_t header = (std::to_integer<std::size_t>(ip[0]) & 0xf) * 4;
  const std::size_t total = load_be16(ip + 2);
  if (std::to_integer<unsigned>(ip[0]) >> 4 != 4 || header < ipv4::kMinHeaderBytes ||
      total > room || total < header + icmp::kHeaderBytes ||
      ip[header] != std::byte{icmp::kEchoRequest} || load_be32(ip + 16) != own.value) {
    return {};
  }
  std::array<std::byte, 12> macs;
  std::copy_n(frame.begin(), macs.size(), macs.begin());
  std::rotate(macs.begin(), macs.begin() + 6, macs.end());
  const std::span<std::byte> reply =
      frame.subspan(payload->offset - kEthernetBytes, kEthernetBytes + total);
  std::ranges::copy(macs, reply.begin());
  store_be32(ip + 16, load_be32(ip + 12));
  store_be32(ip + 12, own.value);
  ip[8] = std::byte{kReplyTtl};
  stamp({ip + ipv4::kMinHeaderBytes, header - ipv4::kMinHeaderBytes}, own.value);
  store_be16(ip + 10, 0);
  store_be16(ip + 10, probes::checksum_of(probes::ones_sum({ip, header})));
  ip[header] = std::byte{0};
  store_be16(ip + header + 2, 0);
  store_be16(ip + header + 2, probes::checksum_of(probes::ones_sum({ip + header, total - header})));
  return reply;
}

}  // namespace backsight::engine
