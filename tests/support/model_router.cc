#include "tests/support/model_router.h"

#include <algorithm>

namespace backsight::testing {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

std::uint8_t u8(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}

std::uint32_t u32(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | u8(bytes, at + i);
  return value;
}

void put(std::span<std::byte> bytes, std::size_t at, std::uint32_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) {
    bytes[at + i] = static_cast<std::byte>(value >> 8 * (width - 1 - i) & 0xff);
  }
}

void append(Packet& packet, std::span<const std::byte> bytes) {
  const std::size_t size = packet.size();
  packet.resize(size + bytes.size());
  std::copy(bytes.begin(), bytes.end(), packet.begin() + static_cast<long>(size));
}

void append(Packet& packet, std::uint32_t value, std::size_t width) {
  packet.resize(packet.size() + width);
  put(packet, packet.size() - width, value, width);
}

std::size_t header_bytes(std::span<const std::byte> packet) {
  return std::size_t{u8(packet, 0)} % 16 * 4;
}

Ipv4Addr source(std::span<const std::byte> packet) { return {u32(packet, 12)}; }
Ipv4Addr destination(std::span<const std::byte> packet) { return {u32(packet, 16)}; }

Packet make_packet(Ipv4Addr from, Ipv4Addr to, std::uint8_t protocol, std::uint8_t ttl,
                   std::span<const std::byte> payload) {
  Packet packet(20);
  put(packet, 0, 0x45, 1);
  put(packet, 2, static_cast<std::uint32_t>(20 + payload.size()), 2);
  put(packet, 4, 0x5151, 2);
  put(packet, 8, ttl, 1);
  put(packet, 9, protocol, 1);
  put(packet, 12, from.value, 4);
  put(packet, 16, to.value, 4);
  append(packet, payload);
  fix_checksums(packet);
  return packet;
}

// Offset of the first option of that type; 0: there is none.
std::size_t find_option(const Packet& packet, std::uint8_t type) {
  for (std::size_t at = 20; at < header_bytes(packet) && u8(packet, at) != 0;) {
    if (u8(packet, at) == type) return at;
    at += u8(packet, at) == 1 ? 1 : std::size_t{u8(packet, at + 1)};
  }
  return 0;
}

// Writes `words` at an option's pointer and moves it on; false when there is no room.
bool write_slot(Packet& packet, std::size_t option, std::span<const std::uint32_t> words) {
  const std::uint8_t length = u8(packet, option + 1);
  const std::uint8_t pointer = u8(packet, option + 2);
  const std::size_t bytes = 4 * words.size();
  if (pointer - 1 + bytes > length) return false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    put(packet, option + pointer - 1 + 4 * i, words[i], 4);
  }
  put(packet, option + 2, static_cast<std::uint32_t>(pointer + bytes), 1);
  return true;
}

// RFC 4884 and RFC 4950: version 2, one object of class 1, type 1.
Packet make_extension(std::span<const MplsLabel> labels) {
  Packet extension;
  append(extension, 0x20000000, 4);
  append(extension, static_cast<std::uint32_t>(4 + 4 * labels.size()), 2);
  append(extension, 0x0101, 2);
  for (const MplsLabel& label : labels) {
    append(extension,
           label.label << 12 | std::uint32_t{label.traffic_class} << 9 |
               std::uint32_t{label.is_bottom} << 8 | label.ttl,
           4);
  }
  put(extension, 2, slow_checksum(extension), 2);
  return extension;
}

Packet make_tcp_answer(std::span<const std::byte> probe, std::uint8_t flags, std::uint8_t ttl) {
  const auto syn = probe.subspan(header_bytes(probe));
  Packet segment(20);
  std::copy_n(syn.begin() + 2, 2, segment.begin());
  std::copy_n(syn.begin(), 2, segment.begin() + 2);
  put(segment, 4, flags == 0x12 ? 0x01020304 : 0, 4);
  put(segment, 8, u32(syn, 4) + 1, 4);
  put(segment, 12, 0x50, 1);
  put(segment, 13, flags, 1);
  return make_packet(destination(probe), source(probe), kTcp, ttl, segment);
}

}  // namespace

std::uint16_t slow_checksum(std::span<const std::byte> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{u8(bytes, i)} << 8 : u8(bytes, i);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<std::uint16_t>(~sum);
}

void fix_checksums(Packet& packet) {
  const std::size_t start = header_bytes(packet);
  put(packet, 10, 0, 2);
  put(packet, 10, slow_checksum(std::span(packet).first(start)), 2);
  const std::uint8_t protocol = u8(packet, 9);
  const std::size_t field = protocol == kIcmp  ? start + 2
                            : protocol == kUdp ? start + 6
                            : protocol == kTcp ? start + 16
                                               : packet.size();
  if (field + 2 > packet.size()) return;
  Packet covered;
  if (protocol != kIcmp) {
    append(covered, std::span(packet).subspan(12, 8));
    append(covered, protocol, 2);
    append(covered, static_cast<std::uint32_t>(packet.size() - start), 2);
  }
  put(packet, field, 0, 2);
  append(covered, std::span(packet).subspan(start));
  put(packet, field, slow_checksum(covered), 2);
}

bool stamp_route(Packet& packet, Ipv4Addr address) {
  const std::size_t option = find_option(packet, 7);
  return option != 0 && write_slot(packet, option, {{address.value}});
}

bool stamp_time(Packet& packet, RecordedTimestamp stamp) {
  const std::size_t option = find_option(packet, 68);
  if (option == 0) return false;
  const std::uint8_t flags = u8(packet, option + 3);
  if (flags % 16 == 0) {
    if (write_slot(packet, option, {{stamp.milliseconds}})) return true;
  } else if (flags % 16 == 1) {
    if (write_slot(packet, option, {{stamp.address.value, stamp.milliseconds}})) return true;
  } else {
    const std::size_t slot = option + u8(packet, option + 2) - 1;
    if (slot + 8 > option + u8(packet, option + 1)) return false;
    if (u32(packet, slot) != stamp.address.value) return false;
    return write_slot(packet, option, {{stamp.address.value, stamp.milliseconds}});
  }
  if (flags < 0xf0) put(packet, option + 3, flags + 0x10u, 1);
  return false;
}

Packet make_echo_reply(std::span<const std::byte> probe, std::span<const Ipv4Addr> stamps,
                       std::uint8_t ttl) {
  Packet reply(probe.begin(), probe.end());
  put(reply, 8, ttl, 1);
  put(reply, 12, destination(probe).value, 4);
  put(reply, 16, source(probe).value, 4);
  put(reply, header_bytes(reply), 0, 1);
  for (const Ipv4Addr stamp : stamps) stamp_route(reply, stamp);
  fix_checksums(reply);
  return reply;
}

Packet make_icmp_error(std::span<const std::byte> probe, Ipv4Addr router, std::uint8_t type,
                       std::uint8_t code, std::uint32_t rest, const QuoteShape& shape) {
  constexpr std::size_t kExtendedQuote = 128;
  Packet quote(probe.begin(), probe.end());
  put(quote, 8, 1, 1);
  const std::size_t transport = std::min(shape.transport_bytes, probe.size());
  quote.resize(std::min(probe.size(), header_bytes(probe) + transport));
  Packet header_checksum(quote.begin(), quote.begin() + static_cast<long>(header_bytes(quote)));
  put(header_checksum, 10, 0, 2);
  put(quote, 10, slow_checksum(header_checksum), 2);

  Packet message;
  append(message, std::uint32_t{type} << 24 | std::uint32_t{code} << 16, 4);
  append(message, rest, 4);
  if (!shape.mpls.empty()) {
    quote.resize(kExtendedQuote);
    if (shape.says_length) put(message, 5, kExtendedQuote / 4, 1);
  }
  append(message, quote);
  if (!shape.mpls.empty()) append(message, make_extension(shape.mpls));
  return make_packet(router, source(probe), kIcmp, kReplyTtl, message);
}

Packet make_time_exceeded(std::span<const std::byte> probe, Ipv4Addr router,
                          const QuoteShape& shape) {
  return make_icmp_error(probe, router, 11, 0, 0, shape);
}

Packet make_unreachable(std::span<const std::byte> probe, Ipv4Addr router, std::uint8_t code,
                        const QuoteShape& shape) {
  return make_icmp_error(probe, router, 3, code, 0, shape);
}

Packet make_parameter_problem(std::span<const std::byte> probe, Ipv4Addr router,
                              std::uint8_t pointer, const QuoteShape& shape) {
  return make_icmp_error(probe, router, 12, 0, std::uint32_t{pointer} << 24, shape);
}

Packet make_redirect(std::span<const std::byte> probe, Ipv4Addr router, std::uint8_t code,
                     Ipv4Addr gateway) {
  return make_icmp_error(probe, router, 5, code, gateway.value);
}

Packet make_tcp_reset(std::span<const std::byte> probe, std::uint8_t ttl) {
  return make_tcp_answer(probe, 0x14, ttl);
}

Packet make_tcp_syn_ack(std::span<const std::byte> probe, std::uint8_t ttl) {
  return make_tcp_answer(probe, 0x12, ttl);
}

Packet in_ethernet(std::span<const std::byte> packet, MacAddr dst, MacAddr src,
                   std::span<const std::uint16_t> vlans) {
  constexpr std::size_t kMinFrame = 60;
  Packet frame;
  for (const std::uint8_t byte : dst.bytes) append(frame, byte, 1);
  for (const std::uint8_t byte : src.bytes) append(frame, byte, 1);
  for (std::size_t i = 0; i < vlans.size(); ++i) {
    append(frame, i == 0 && vlans.size() == 2 ? 0x88a8 : 0x8100, 2);
    append(frame, vlans[i], 2);
  }
  append(frame, 0x0800, 2);
  append(frame, packet);
  frame.resize(std::max(frame.size(), kMinFrame));
  return frame;
}

}  // namespace backsight::testing
