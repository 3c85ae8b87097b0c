// Quoted probes in ICMP errors (RFC 792, RFC 1812 section 4.3.2.3).
#include <algorithm>

#include "probes/reading.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/transport.h"

namespace backsight::probes {
namespace {

// The identity that follows the 8 bytes of an ICMP or UDP header, if the quote shows all of it.
// VP 0 does not exist: it is the padding of a router that quotes less than its length field says.
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
      into.handle = load_be32(at + icmp::kHandle);
      return {};
    case ipv4::kProtocolUdp:
      into.src_port = load_be16(at + udp::kSourcePort);
      into.dst_port = load_be16(at + udp::kDestinationPort);
      into.checksum = load_be16(at + udp::kChecksum);
      into.handle = (std::uint32_t{into.ip_id} << 16) | into.checksum;
      return {};
    case ipv4::kProtocolTcp:
      into.src_port = load_be16(at + tcp::kSourcePort);
      into.dst_port = load_be16(at + tcp::kDestinationPort);
      into.handle = load_be32(at + tcp::kSequence);
      return {};
    default:
      return tl::make_unexpected(Reject::kQuoteProtocol);
  }
}

}  // namespace

Check read_quote(std::span<const std::byte> quote, Quoted& into) noexcept {
  if (quote.size() < ipv4::kMinHeaderBytes) return tl::make_unexpected(Reject::kQuoteTooShort);
  const ipv4::HeaderView header(quote.data());
  const std::size_t header_bytes = header.header_bytes();
  // Our probes are whole; behind a fragment's header stands no transport header.
  if (header.version() != 4 || header_bytes < ipv4::kMinHeaderBytes ||
      (header.fragment() & ipv4::kFragmentOffset) != 0) {
    return tl::make_unexpected(Reject::kQuoteHeader);
  }
  if (quote.size() < header_bytes + icmp::kMinQuotedTransportBytes) {
    return tl::make_unexpected(Reject::kQuoteTooShort);
  }
  into.src = header.source();
  into.dst = header.destination();
  into.protocol = header.protocol();
  into.ttl = header.ttl();
  into.tos = header.tos();
  into.ip_id = header.id();
  into.total_length = header.total_length();

  const auto transport = quote.subspan(header_bytes);
  if (const Check read = read_quoted_transport(transport, into); !read) return read;
  if (into.protocol != ipv4::kProtocolTcp && into.total_length > header_bytes) {
    // Padding and what else follows the probe's own length is not the probe.
    const std::size_t probe_bytes = into.total_length - header_bytes;
    read_quoted_identity(transport.first(std::min(transport.size(), probe_bytes)), into);
  }

  // A quote whose options a router mangled still names its probe: the options alone are dropped.
  const auto options = quote.subspan(ipv4::kOptions, header_bytes - ipv4::kMinHeaderBytes);
  if (!read_ip_options(options, into.options)) into.options = {};
  return {};
}

}  // namespace backsight::probes
