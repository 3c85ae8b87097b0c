// From a frame to a reply: Ethernet, IPv4, then ICMP or TCP. Each step checks lengths before it
// reads, and names what is wrong.
#include "probes/reading/reply.h"

#include <algorithm>
#include <array>
#include <optional>

#include "probes/protocols.h"
#include "probes/reading/ethernet_frame.h"
#include "probes/reading/steps.h"
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

// Writes the length of an IPv4 packet to `bytes`, padding left out; all that came where its header
// says otherwise.
Check check_header(Bytes packet, std::size_t& bytes, Flaws& flaws) noexcept {
  if (packet.size() < ipv4::kMinHeaderBytes) return tl::make_unexpected(Reject::kFrameTooShort);
  const ipv4::HeaderView header(packet.data());
  const std::size_t header_bytes = header.header_bytes();
  if (header.version() != 4) return tl::make_unexpected(Reject::kIpVersion);
  if (header_bytes < ipv4::kMinHeaderBytes || header_bytes > packet.size()) {
    return tl::make_unexpected(Reject::kIpHeaderLength);
  }
  // Behind the header of another fragment than the first stands no message.
  if ((header.fragment() & ipv4::kFragmentOffset) != 0) {
    return tl::make_unexpected(Reject::kIpFragment);
  }
  if ((header.fragment() & ipv4::kMoreFragments) != 0) flaws.add(Flaw::kIpFragment);
  if (!adds_up(packet.first(header_bytes))) flaws.add(Flaw::kIpChecksum);
  bytes = header.total_length();
  if (bytes >= header_bytes && bytes <= packet.size()) return {};
  flaws.add(Flaw::kIpTotalLength);
  bytes = packet.size();
  return {};
}

// What stands behind the IPv4 header.
struct Payload {
  Bytes stated;  // as long as the header says
  Bytes whole;   // with what may be padding
};

// The part of it that `is_right` accepts; nothing if it accepts neither.
template <typename IsRight>
std::optional<Bytes> choose(const Payload& payload, Flaws& flaws, IsRight is_right) noexcept {
  if (is_right(payload.stated)) return payload.stated;
  const Bytes beyond = payload.whole.subspan(payload.stated.size());
  const bool is_padding =
      std::ranges::all_of(beyond, [](std::byte byte) { return byte == std::byte{0}; });
  if (is_padding || !is_right(payload.whole)) return std::nullopt;
  flaws.add(Flaw::kIpTotalLength);
  return payload.whole;
}

void leave_out(IpOptions& options) noexcept {
  const bool has_any = options.has_unread || options.has_record_route || options.has_timestamps;
  options = {};
  options.has_unread = has_any;
}

void read_echo_reply(Bytes message, Reply& reply, Flaws& flaws) noexcept {
  const Bytes payload = message.subspan(icmp::kHeaderBytes);
  reply.type = ReplyType::kEchoReply;
  reply.handle = echo::handle_of(message.data());
  if (payload.size() >= kIdentityBytes) {
    reply.identity = load_identity(payload.data());
    return;
  }
  std::array<std::byte, kIdentityBytes> bytes{};
  std::ranges::copy(payload, bytes.begin());
  flaws.add(Flaw::kPayload);
  reply.identity = load_identity(bytes.data());
}

// An ICMP error. `quote_words` is 0 for a type that RFC 4884 does not extend.
Check read_error(Bytes message, ReplyType type, std::uint8_t quote_words, Reply& reply,
                 Flaws& flaws) noexcept {
  const Bytes data = message.subspan(icmp::kHeaderBytes);
  const std::size_t stated = quote_words == 0 ? data.size() : std::size_t{quote_words} * 4;
  if (const Check read = read_quote(data, stated, reply.quoted); !read) return read;
  // In a damaged message labels are as good as their own checksum, and options have none.
  const bool is_whole = !flaws.has(Flaw::kIcmpChecksum);
  if (!is_whole) leave_out(reply.quoted.options);
  if (!read_extension(data, quote_words, is_whole, reply.mpls)) {
    flaws.add(Flaw::kIcmpExtension);
  }
  if (reply.quoted.options.has_unread) flaws.add(Flaw::kIpOptions);
  reply.type = type;
  reply.has_quote = true;
  reply.handle = reply.quoted.handle;
  return {};
}

Check read_icmp(const Payload& payload, Reply& reply, Flaws& flaws) noexcept {
  const auto sound = choose(payload, flaws, [](Bytes bytes) {
    return bytes.size() >= icmp::kHeaderBytes && adds_up(bytes);
  });
  const Bytes message = sound.value_or(payload.stated);
  if (message.size() < icmp::kHeaderBytes) return tl::make_unexpected(Reject::kIcmpTooShort);
  if (!sound) flaws.add(Flaw::kIcmpChecksum);
  reply.icmp_type = u8(message, icmp::kType);
  reply.icmp_code = u8(message, icmp::kCode);
  const std::uint8_t quote_words = u8(message, icmp::kQuoteWords);
  switch (reply.icmp_type) {
    case icmp::kEchoReply:
      read_echo_reply(message, reply, flaws);
      return {};
    case icmp::kTimeExceeded:
      return read_error(message, ReplyType::kTimeExceeded, quote_words, reply, flaws);
    case icmp::kUnreachable:
      return read_error(message, ReplyType::kUnreachable, quote_words, reply, flaws);
    case icmp::kParameterProblem:
      reply.parameter_pointer = u8(message, icmp::kParameterPointer);
      return read_error(message, ReplyType::kParameterProblem, quote_words, reply, flaws);
    case icmp::kRedirect:
      reply.redirect_gateway = {load_be32(message.data() + icmp::kRedirectGateway)};
      return read_error(message, ReplyType::kRedirect, 0, reply, flaws);
    case icmp::kEchoRequest:
      return tl::make_unexpected(Reject::kEchoRequest);
    default:
      return tl::make_unexpected(Reject::kIcmpType);
  }
}

bool is_tcp_checksum_right(Bytes segment, Ipv4Addr src, Ipv4Addr dst) noexcept {
  if (segment.size() < tcp::kMinHeaderBytes) return false;
  const std::uint16_t pseudo =
      fold(pseudo_header_sum(src, dst, ipv4::kProtocolTcp, segment.size()));
  if (fold(std::uint64_t{pseudo} + ones_sum(segment)) == 0xffff) return true;
  // Left for hardware to finish, on a link that has none.
  return load_be16(segment.data() + tcp::kChecksum) == pseudo;
}

Check read_tcp(const Payload& payload, Reply& reply, Flaws& flaws) noexcept {
  const auto sound = choose(payload, flaws, [&reply](Bytes bytes) {
    return is_tcp_checksum_right(bytes, reply.from, reply.to);
  });
  const Bytes segment = sound.value_or(payload.stated);
  if (segment.size() < tcp::kMinHeaderBytes) return tl::make_unexpected(Reject::kTcpTooShort);
  const std::size_t header_bytes = std::size_t{u8(segment, tcp::kDataOffset)} / 16 * 4;
  if (header_bytes < tcp::kMinHeaderBytes || header_bytes > segment.size()) {
    return tl::make_unexpected(Reject::kTcpTooShort);
  }
  if (!sound) return tl::make_unexpected(Reject::kTcpChecksum);
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
  reply.handle = trace_tcp::acknowledged_handle(segment.data());
  return {};
}

// Reads an IPv4 packet into `reply`, which is fresh. Flaws are kept apart from it: a byte read back
// from what was only just cleared would wait until that has reached the cache.
Check read_packet(Bytes packet, Reply& reply, Flaws& flaws) noexcept {
  std::size_t bytes = 0;
  if (const Check checked = check_header(packet, bytes, flaws); !checked) return checked;
  const ipv4::HeaderView header(packet.data());
  const std::size_t header_bytes = header.header_bytes();
  reply.from = header.source();
  reply.to = header.destination();
  reply.ttl = header.ttl();
  reply.ip_id = header.id();
  reply.ip_total_length = header.total_length();

  const Payload payload = {packet.first(bytes).subspan(header_bytes), packet.subspan(header_bytes)};
  Check read = tl::make_unexpected(Reject::kProtocol);
  if (header.protocol() == ipv4::kProtocolIcmp) read = read_icmp(payload, reply, flaws);
  if (header.protocol() == ipv4::kProtocolTcp) read = read_tcp(payload, reply, flaws);
  if (!read) return read;
  read_ip_options(packet.subspan(ipv4::kOptions, header_bytes - ipv4::kMinHeaderBytes),
                  reply.options);
  // No tag vouches for what stands in options.
  if (flaws.has(Flaw::kIpChecksum)) leave_out(reply.options);
  if (reply.options.has_unread) flaws.add(Flaw::kIpOptions);
  return {};
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
  return handle_of(header.protocol(), header.id(), quote.data() + header_bytes);
}

// REQUIRES: the message has an ICMP header.
void peek_echo_reply(Bytes packet, Bytes message, Peek& seen) noexcept {
  const ipv4::HeaderView header(packet.data());
  seen.handle = echo::handle_of(message.data());
  if (message.size() < icmp::kHeaderBytes + kIdentityBytes) return;
  seen.has_identity = true;
  seen.identity = load_identity(message.data() + icmp::kHeaderBytes);
  seen.from = header.source();
  seen.to = header.destination();
  if (header.header_bytes() > ipv4::kMinHeaderBytes) {
    seen.kind = kind_with_option(u8(packet, ipv4::kOptions));
  }
}

}  // namespace

tl::expected<Reply, Reject> parse_packet(std::span<const std::byte> packet) noexcept {
  // One variable, returned by every way out: it is built where the caller wants it, never copied.
  tl::expected<Reply, Reject> reply;
  Flaws flaws;
  const Check read = read_packet(packet, *reply, flaws);
  reply->flaws = flaws;
  if (!read) {
    const Reject flaw = flaws.reject();
    reply = tl::make_unexpected(flaw == Reject::kCount ? read.error() : flaw);
  }
  return reply;
}

tl::expected<Reply, Reject> parse_frame(std::span<const std::byte> frame) noexcept {
  const auto packet = strip_ethernet(frame);
  if (!packet) return tl::make_unexpected(packet.error());
  return parse_packet(*packet);
}

Peek peek(std::span<const std::byte> frame) noexcept {
  constexpr std::size_t kTcpBytes = 12;  // as far as its acknowledged number
  // One variable, returned by every way out: it is built where the caller wants it, never copied.
  Peek seen;
  if (frame.size() < ethernet::kHeaderBytes + ipv4::kMinHeaderBytes) return seen;
  if (load_be16(frame.data() + ethernet::kTypeOffset) != ethernet::kTypeIpv4) return seen;
  const Bytes packet = frame.subspan(ethernet::kHeaderBytes);
  const ipv4::HeaderView header(packet.data());
  const std::size_t header_bytes = header.header_bytes();
  if (packet.size() < header_bytes + icmp::kHeaderBytes) return seen;
  const Bytes transport = packet.subspan(header_bytes);
  if (header.protocol() == ipv4::kProtocolTcp) {
    if (transport.size() < kTcpBytes) return seen;
    seen.handle = trace_tcp::acknowledged_handle(transport.data());
  } else if (header.protocol() == ipv4::kProtocolIcmp &&
             u8(transport, icmp::kType) == icmp::kEchoReply) {
    peek_echo_reply(packet, transport, seen);
  } else if (header.protocol() == ipv4::kProtocolIcmp) {
    seen.handle = quoted_handle(transport.subspan(icmp::kHeaderBytes));
  }
  return seen;
}

}  // namespace backsight::probes
