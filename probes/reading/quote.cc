// Quoted probes in ICMP errors (RFC 792, RFC 1812 section 4.3.2.3).
#include "probes/protocols.h"
#include "probes/reading/steps.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/transport.h"

namespace backsight::probes {
namespace {

// What stands where an identity follows the 8 bytes of an ICMP or UDP header, if the quote goes so
// far. VP 0 does not exist: it is the padding of a router that quotes less than it says. Whether
// the rest is an identity of ours or what a router left there is the tag's to say, and no length's:
// routers rewrite those.
void read_quoted_identity(std::span<const std::byte> transport, Quoted& into) noexcept {
  static_assert(icmp::kHeaderBytes == udp::kHeaderBytes);
  if (transport.size() < icmp::kHeaderBytes + kIdentityBytes) return;
  into.identity = load_identity(transport.data() + icmp::kHeaderBytes);
  into.has_identity = into.identity.id.vp != 0;
}

// REQUIRES: `transport` has kMinQuotedTransportBytes.
Check read_quoted_transport(std::span<const std::byte> transport, Quoted& into) noexcept {
  const std::byte* const at = transport.data();
  switch (into.protocol) {
    case ipv4::kProtocolIcmp:
      if (std::to_integer<std::uint8_t>(at[icmp::kType]) != icmp::kEchoRequest) {
        return tl::make_unexpected(Reject::kQuoteProtocol);
      }
      into.checksum = load_be16(at + icmp::kChecksum);
      return {};
    case ipv4::kProtocolUdp:
      into.src_port = load_be16(at + udp::kSourcePort);
      into.dst_port = load_be16(at + udp::kDestinationPort);
      into.checksum = load_be16(at + udp::kChecksum);
      return {};
    case ipv4::kProtocolTcp:
      into.src_port = load_be16(at + tcp::kSourcePort);
      into.dst_port = load_be16(at + tcp::kDestinationPort);
      return {};
    default:
      return tl::make_unexpected(Reject::kQuoteProtocol);
  }
}

}  // namespace

Check read_quote(std::span<const std::byte> data, std::size_t stated_bytes, Quoted& into) noexcept {
  if (data.size() < ipv4::kMinHeaderBytes) return tl::make_unexpected(Reject::kQuoteTooShort);
  const ipv4::HeaderView header(data.data());
  const std::size_t header_bytes = header.header_bytes();
  // Our probes are whole: a fragment's offset is as wrong as what else was rewritten.
  if (header.version() != 4 || header_bytes < ipv4::kMinHeaderBytes) {
    return tl::make_unexpected(Reject::kQuoteHeader);
  }
  if (data.size() < header_bytes + icmp::kMinQuotedTransportBytes) {
    return tl::make_unexpected(Reject::kQuoteTooShort);
  }
  into.src = header.source();
  into.dst = header.destination();
  into.protocol = header.protocol();
  into.ttl = header.ttl();
  into.tos = header.tos();
  into.ip_id = header.id();
  into.total_length = header.total_length();

  const auto transport = data.subspan(header_bytes);
  if (const Check read = read_quoted_transport(transport, into); !read) return read;
  into.handle = handle_of(into.protocol, into.ip_id, transport.data());
  if (carries_identity(into.protocol)) {
    read_quoted_identity(transport, into);
    const std::size_t needed = header_bytes + icmp::kHeaderBytes + kIdentityBytes;
    into.is_short = into.total_length < needed || stated_bytes < needed;
  }
  read_ip_options(data.subspan(ipv4::kOptions, header_bytes - ipv4::kMinHeaderBytes), into.options);
  return {};
}

}  // namespace backsight::probes
