// From a frame to a reply: Ethernet, IPv4, then ICMP or TCP. Each step checks lengths before it
// reads, and names what is wrong.
#include "probes/reply.h"

#include "probes/ethernet_frame.h"
#include "probes/reading.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"
#include "probes/wire/ethernet.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/transport.h"

namespace backsight::probes {
namespace {

using Bytes = std::span<const std::byte>;

std::uint8_t u8(Bytes bytes, std::size_t offset) noexcept {
  return std::to_integer<std::uint8_t>(bytes[offset]);
}

// Checks the IPv4 header and returns the packet without what padding follows it.
tl::expected<Bytes, Reject> trim_packet(Bytes packet) noexcept {
  if (packet.size() < ipv4::kMinHeaderBytes) return tl::make_unexpected(Reject::kFrameTooShort);
  const ipv4::HeaderView header(packet.data());
  const std::size_t header_bytes = header.header_bytes();
  if (header.version() != 4) return tl::make_unexpected(Reject::kIpVersion);
  if (header_bytes < ipv4::kMinHeaderBytes || header_bytes > packet.size()) {
    return tl::make_unexpected(Reject::kIpHeaderLength);
  }
  if (header.total_length() < header_bytes || header.total_length() > packet.size()) {
    return tl::make_unexpected(Reject::kIpTotalLength);
  }
  if (!adds_up(packet.first(header_bytes))) return tl::make_unexpected(Reject::kIpChecksum);
  if ((header.fragment() & (ipv4::kMoreFragments | ipv4::kFragmentOffset)) != 0) {
    return tl::make_unexpected(Reject::kIpFragment);
  }
  return packet.first(header.total_length());
}

Check read_echo_reply(Bytes message, Reply& reply) noexcept {
  if (message.size() < icmp::kHeaderBytes + kIdentityBytes) {
    return tl::make_unexpected(Reject::kNoIdentity);
  }
  reply.type = ReplyType::kEchoReply;
  reply.handle = load_be32(message.data() + icmp::kHandle);
  reply.identity = load_identity(message.data() + icmp::kHeaderBytes);
  return {};
}

// An ICMP error. `quote_words` is 0 for a type that RFC 4884 does not extend.
Check read_error(Bytes message, ReplyType type, std::uint8_t quote_words, Reply& reply) noexcept {
  const ErrorData data = split_error(message.subspan(icmp::kHeaderBytes), quote_words);
  if (const Check read = read_quote(data.quote, reply.quoted); !read) return read;
  read_mpls(data.extension, reply.mpls);
  reply.type = type;
  reply.has_quote = true;
  reply.handle = reply.quoted.handle;
  return {};
}

Check read_icmp(Bytes message, Reply& reply) noexcept {
  if (message.size() < icmp::kHeaderBytes) return tl::make_unexpected(Reject::kIcmpTooShort);
  if (!adds_up(message)) return tl::make_unexpected(Reject::kIcmpChecksum);
  reply.icmp_type = u8(message, icmp::kType);
  reply.icmp_code = u8(message, icmp::kCode);
  const std::uint8_t quote_words = u8(message, icmp::kQuoteWords);
  switch (reply.icmp_type) {
    case icmp::kEchoReply:
      return read_echo_reply(message, reply);
    case icmp::kTimeExceeded:
      return read_error(message, ReplyType::kTimeExceeded, quote_words, reply);
    case icmp::kUnreachable:
      return read_error(message, ReplyType::kUnreachable, quote_words, reply);
    case icmp::kParameterProblem:
      reply.parameter_pointer = u8(message, icmp::kParameterPointer);
      return read_error(message, ReplyType::kParameterProblem, quote_words, reply);
    case icmp::kRedirect:
      reply.redirect_gateway = {load_be32(message.data() + icmp::kRedirectGateway)};
      return read_error(message, ReplyType::kRedirect, 0, reply);
    case icmp::kEchoRequest:
      return tl::make_unexpected(Reject::kEchoRequest);
    default:
      return tl::make_unexpected(Reject::kIcmpType);
  }
}

bool is_tcp_checksum_right(Bytes segment, Ipv4Addr src, Ipv4Addr dst) noexcept {
  const std::uint16_t pseudo =
      fold(pseudo_header_sum(src, dst, ipv4::kProtocolTcp, segment.size()));
  if (fold(std::uint64_t{pseudo} + ones_sum(segment)) == 0xffff) return true;
  // Left for hardware to finish, on a link that has none.
  return load_be16(segment.data() + tcp::kChecksum) == pseudo;
}

Check read_tcp(Bytes segment, Reply& reply) noexcept {
  if (segment.size() < tcp::kMinHeaderBytes) return tl::make_unexpected(Reject::kTcpTooShort);
  const std::size_t header_bytes = std::size_t{u8(segment, tcp::kDataOffset)} / 16 * 4;
  if (header_bytes < tcp::kMinHeaderBytes || header_bytes > segment.size()) {
    return tl::make_unexpected(Reject::kTcpTooShort);
  }
  if (!is_tcp_checksum_right(segment, reply.from, reply.to)) {
    return tl::make_unexpected(Reject::kTcpChecksum);
  }
  // What answers a SYN acknowledges it (RFC 9293, section 3.10.7).
  const unsigned flags = u8(segment, tcp::kFlags) & (tcp::kFin | tcp::kSyn | tcp::kRst | tcp::kAck);
  if (flags == (tcp::kSyn | tcp::kAck)) {
    reply.type = ReplyType::kTcpSynAck;
  } else if (flags == (tcp::kRst | tcp::kAck)) {
    reply.type = ReplyType::kTcpReset;
  } else {
    return tl::make_unexpected(Reject::kTcpFlags);
  }
  reply.src_port = load_be16(segment.data() + tcp::kSourcePort);
  reply.dst_port = load_be16(segment.data() + tcp::kDestinationPort);
  reply.handle = load_be32(segment.data() + tcp::kAcknowledged) - 1;
  return {};
}

// Reads an IPv4 packet whose header is in order into `reply`, which is fresh.
Check read_packet(Bytes packet, Reply& reply) noexcept {
  const ipv4::HeaderView header(packet.data());
  const std::size_t header_bytes = header.header_bytes();
  reply.from = header.source();
  reply.to = header.destination();
  reply.ttl = header.ttl();
  reply.ip_id = header.id();
  reply.ip_total_length = header.total_length();

  const Bytes payload = packet.subspan(header_bytes);
  Check read = tl::make_unexpected(Reject::kProtocol);
  if (header.protocol() == ipv4::kProtocolIcmp) read = read_icmp(payload, reply);
  if (header.protocol() == ipv4::kProtocolTcp) read = read_tcp(payload, reply);
  if (!read) return read;
  return read_ip_options(packet.subspan(ipv4::kOptions, header_bytes - ipv4::kMinHeaderBytes),
                         reply.options);
}

// One variable, returned by every way out: it is built where the caller wants it, never copied.
tl::expected<Reply, Reject> parse_trimmed(Bytes packet) noexcept {
  tl::expected<Reply, Reject> reply;
  if (const Check read = read_packet(packet, *reply); !read) {
    reply = tl::make_unexpected(read.error());
  }
  return reply;
}

// The IPv4 packet of a frame.
tl::expected<Bytes, Reject> strip_ethernet(Bytes frame) noexcept {
  const auto payload = read_ethernet(frame);
  if (!payload) return tl::make_unexpected(payload.error());
  if (payload->type == ethernet::kTypeIpv4) return frame.subspan(payload->offset);
  return tl::make_unexpected(payload->type == ethernet::kTypeArp ? Reject::kArp : Reject::kNotIpv4);
}

// The handle in an ICMP error's quote: its IPv4 header, then eight bytes. 0: there is none.
std::uint32_t quoted_handle(Bytes quote) noexcept {
  if (quote.size() < ipv4::kMinHeaderBytes) return 0;
  const ipv4::HeaderView header(quote.data());
  const std::size_t header_bytes = header.header_bytes();
  if (quote.size() < header_bytes + icmp::kMinQuotedTransportBytes) return 0;
  const std::byte* const transport = quote.data() + header_bytes;
  switch (header.protocol()) {
    case ipv4::kProtocolIcmp:
      return load_be32(transport + icmp::kHandle);
    case ipv4::kProtocolTcp:
      return load_be32(transport + tcp::kSequence);
    case ipv4::kProtocolUdp:
      return std::uint32_t{header.id()} << 16 | load_be16(transport + udp::kChecksum);
    default:
      return 0;
  }
}

Kind kind_by_option(std::uint8_t first_option) noexcept {
  if (first_option == ipv4::kRecordRoute) return Kind::kRecordRoute;
  return first_option == ipv4::kTimestamp ? Kind::kTimestamp : Kind::kPing;
}

// REQUIRES: the message has more than an ICMP header.
void peek_echo_reply(Bytes packet, Bytes message, Peek& seen) noexcept {
  const ipv4::HeaderView header(packet.data());
  seen.handle = load_be32(message.data() + icmp::kHandle);
  if (message.size() < icmp::kHeaderBytes + kIdentityBytes) return;
  seen.has_identity = true;
  seen.identity = load_identity(message.data() + icmp::kHeaderBytes);
  seen.from = header.source();
  seen.to = header.destination();
  if (header.header_bytes() > ipv4::kMinHeaderBytes) {
    seen.kind = kind_by_option(u8(packet, ipv4::kOptions));
  }
}

}  // namespace

tl::expected<Reply, Reject> parse_packet(std::span<const std::byte> packet) noexcept {
  const auto trimmed = trim_packet(packet);
  if (!trimmed) return tl::make_unexpected(trimmed.error());
  return parse_trimmed(*trimmed);
}

tl::expected<Reply, Reject> parse_frame(std::span<const std::byte> frame) noexcept {
  const auto packet = strip_ethernet(frame);
  if (!packet) return tl::make_unexpected(packet.error());
  return parse_packet(*packet);
}

Peek peek(std::span<const std::byte> frame) noexcept {
  constexpr std::size_t kTransportBytes = 12;  // as far as TCP's acknowledged number
  // One variable, returned by every way out: it is built where the caller wants it, never copied.
  Peek seen;
  if (frame.size() < ethernet::kHeaderBytes + ipv4::kMinHeaderBytes) return seen;
  if (load_be16(frame.data() + ethernet::kTypeOffset) != ethernet::kTypeIpv4) return seen;
  const Bytes packet = frame.subspan(ethernet::kHeaderBytes);
  const ipv4::HeaderView header(packet.data());
  const std::size_t header_bytes = header.header_bytes();
  if (packet.size() < header_bytes + kTransportBytes) return seen;
  const Bytes transport = packet.subspan(header_bytes);
  if (header.protocol() == ipv4::kProtocolTcp) {
    seen.handle = load_be32(transport.data() + tcp::kAcknowledged) - 1;
  } else if (header.protocol() == ipv4::kProtocolIcmp &&
             u8(transport, icmp::kType) == icmp::kEchoReply) {
    peek_echo_reply(packet, transport, seen);
  } else if (header.protocol() == ipv4::kProtocolIcmp) {
    seen.handle = quoted_handle(transport.subspan(icmp::kHeaderBytes));
  }
  return seen;
}

}  // namespace backsight::probes
