#include "sim/packet/packet.h"

#include <algorithm>
#include <cstring>

#include "probes/wire/checksum.h"
#include "probes/wire/icmp.h"
#include "probes/wire/transport.h"
#include "sim/draw.h"

namespace backsight::sim {
namespace {

namespace ipv4 = probes::ipv4;
namespace icmp = probes::icmp;
namespace tcp = probes::tcp;
using probes::checksum_of;
using probes::load_be16;
using probes::load_be32;
using probes::ones_sum;
using probes::store_be16;
using probes::store_be32;

// The most that an error may be (RFC 1812, section 4.3.2.3).
constexpr std::size_t kMaxErrorBytes = 576;

}  // namespace

Malformed Packet::read(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < ipv4::kMinHeaderBytes) return Malformed::kLength;
  const ipv4::HeaderView header(bytes.data());
  const std::size_t header_bytes = header.header_bytes();
  const std::size_t size = header.total_length();
  if (header.version() != 4 || header_bytes < ipv4::kMinHeaderBytes) return Malformed::kHeader;
  if (size < header_bytes || size > bytes.size() || size > kMaxPacketBytes) {
    return Malformed::kLength;
  }
  if (!probes::adds_up(bytes.first(header_bytes))) return Malformed::kChecksum;
  if ((header.fragment() & (ipv4::kMoreFragments | ipv4::kFragmentOffset)) != 0) {
    return Malformed::kFragment;
  }
  std::memcpy(bytes_.data(), bytes.data(), size);
  size_ = static_cast<std::uint16_t>(size);
  header_bytes_ = static_cast<std::uint8_t>(header_bytes);
  return find_options() ? Malformed::kWellFormed : Malformed::kOptions;
}

// The first option of each kind counts. Those that record must have a pointer into their slots, or
// just beyond: a router that met another one would answer with a parameter problem.
bool Packet::find_options() noexcept {
  route_ = times_ = 0;
  for (std::size_t at = ipv4::kOptions; at < header_bytes_;) {
    const auto type = std::to_integer<std::uint8_t>(bytes_[at]);
    if (type == ipv4::kEndOfOptions) return true;
    if (type == ipv4::kNoOperation) {
      ++at;
      continue;
    }
    if (at + 2 > header_bytes_) return false;
    const auto length = std::to_integer<std::size_t>(bytes_[at + ipv4::kOptionLength]);
    if (length < 2 || at + length > header_bytes_) return false;
    const bool is_route = type == ipv4::kRecordRoute;
    if (is_route || type == ipv4::kTimestamp) {
      const std::size_t least =
          is_route ? ipv4::kRecordRouteHeaderBytes : ipv4::kTimestampHeaderBytes;
      if (length < least) return false;
      const auto pointer_1based = std::to_integer<std::size_t>(bytes_[at + ipv4::kOptionPointer]);
      if (pointer_1based <= least || (pointer_1based - 1 - least) % 4 != 0) return false;
      std::uint8_t& offset = is_route ? route_ : times_;
      if (offset == 0) offset = static_cast<std::uint8_t>(at);
    }
    at += length;
  }
  return true;
}

FlowKey Packet::flow() const noexcept {
  FlowKey key;
  key.addresses = combine(std::uint64_t{source().value} << 32 | destination().value, protocol());
  std::uint32_t first = 0;
  if (size_ >= header_bytes_ + 4U) first = load_be32(&bytes_[header_bytes_]);
  key.ports = combine(key.addresses, first);
  return key;
}

void Packet::settle() noexcept {
  store_be16(&bytes_[ipv4::kChecksum], 0);
  store_be16(&bytes_[ipv4::kChecksum], checksum_of(ones_sum(bytes().first(header_bytes_))));
}

bool Packet::turn_into_echo_reply(std::uint8_t ttl, std::uint16_t ip_id) noexcept {
  if (size_ < header_bytes_ + icmp::kHeaderBytes) return false;
  std::byte* const message = &bytes_[header_bytes_];
  if (message[icmp::kType] != std::byte{icmp::kEchoRequest} ||
      message[icmp::kCode] != std::byte{0}) {
    return false;
  }
  const std::uint16_t sum = ones_sum(payload());
  if (sum != 0xffff) return false;
  const Ipv4Addr from = destination();
  store_be32(&bytes_[ipv4::kDestination], source().value);
  store_be32(&bytes_[ipv4::kSource], from.value);
  store_be16(&bytes_[ipv4::kId], ip_id);
  set_ttl(ttl);
  // The message's words but the checksum sum up to the complement of it; the type goes from 8 to 0.
  message[icmp::kType] = std::byte{icmp::kEchoReply};
  store_be16(message + icmp::kChecksum, 0);
  store_be16(message + icmp::kChecksum, checksum_of(ones_sum(payload())));
  return true;
}

void Packet::write_header(Ipv4Addr from, Ipv4Addr to, std::uint8_t protocol, std::size_t size,
                          std::uint8_t ttl, std::uint16_t ip_id) noexcept {
  size_ = static_cast<std::uint16_t>(size);
  header_bytes_ = ipv4::kMinHeaderBytes;
  route_ = times_ = 0;
  std::memset(bytes_.data(), 0, ipv4::kMinHeaderBytes);
  bytes_[ipv4::kVersionAndLength] = std::byte{0x45};
  store_be16(&bytes_[ipv4::kTotalLength], size_);
  store_be16(&bytes_[ipv4::kId], ip_id);
  set_ttl(ttl);
  bytes_[ipv4::kProtocol] = std::byte{protocol};
  store_be32(&bytes_[ipv4::kSource], from.value);
  store_be32(&bytes_[ipv4::kDestination], to.value);
}

bool Packet::turn_into_error(Ipv4Addr from, std::uint8_t type, std::uint8_t code, bool quotes_all,
                             std::uint8_t ttl, std::uint16_t ip_id) noexcept {
  // No errors about errors (RFC 1122, section 3.2.2).
  if (protocol() == ipv4::kProtocolIcmp && size_ > header_bytes_) {
    const auto kind = std::to_integer<std::uint8_t>(bytes_[header_bytes_]);
    const bool is_error = kind == icmp::kUnreachable || kind == icmp::kRedirect ||
                          kind == icmp::kTimeExceeded || kind == icmp::kParameterProblem;
    if (is_error) return false;
  }
  settle();
  constexpr std::size_t kStart = ipv4::kMinHeaderBytes + icmp::kHeaderBytes;
  const std::size_t wanted =
      quotes_all ? std::size_t{size_} : header_bytes_ + icmp::kMinQuotedTransportBytes;
  const std::size_t quoted = std::min({wanted, std::size_t{size_}, kMaxErrorBytes - kStart});
  const Ipv4Addr to = source();
  std::memmove(&bytes_[kStart], bytes_.data(), quoted);
  std::byte* const message = &bytes_[ipv4::kMinHeaderBytes];
  std::memset(message, 0, icmp::kHeaderBytes);
  message[icmp::kType] = std::byte{type};
  message[icmp::kCode] = std::byte{code};
  write_header(from, to, ipv4::kProtocolIcmp, kStart + quoted, ttl, ip_id);
  store_be16(message + icmp::kChecksum, checksum_of(ones_sum(payload())));
  return true;
}

bool Packet::turn_into_tcp_answer(bool is_open, std::uint8_t ttl, std::uint16_t ip_id) noexcept {
  if (protocol() != ipv4::kProtocolTcp || size_ < header_bytes_ + tcp::kMinHeaderBytes)
    return false;
  const std::size_t length = payload().size();
  const std::uint64_t pseudo =
      probes::pseudo_header_sum(source(), destination(), ipv4::kProtocolTcp, length);
  if (probes::fold(pseudo + ones_sum(payload())) != 0xffff) return false;
  const std::byte* const segment = &bytes_[header_bytes_];
  const auto flags = std::to_integer<std::uint8_t>(segment[tcp::kFlags]);
  if ((flags & tcp::kRst) != 0) return false;
  const bool is_syn = (flags & tcp::kSyn) != 0;
  if (!is_syn && (flags & tcp::kAck) == 0) return false;
  std::array<std::byte, tcp::kMinHeaderBytes> answer{};
  std::memcpy(&answer[tcp::kSourcePort], segment + tcp::kDestinationPort, 2);
  std::memcpy(&answer[tcp::kDestinationPort], segment + tcp::kSourcePort, 2);
  answer[tcp::kDataOffset] = std::byte{0x50};
  if (is_syn) {
    const std::uint32_t sequence = load_be32(segment + tcp::kSequence);
    store_be32(&answer[tcp::kAcknowledged], sequence + 1);
    // A sequence number of our own, different for each connection.
    if (is_open) store_be32(&answer[tcp::kSequence], static_cast<std::uint32_t>(flow().ports));
    answer[tcp::kFlags] = std::byte{
        static_cast<std::uint8_t>(is_open ? tcp::kSyn | tcp::kAck : tcp::kRst | tcp::kAck)};
    store_be16(&answer[tcp::kWindow], is_open ? 64'240 : 0);
  } else {
    // A reset for an ACK takes its sequence number from it (RFC 9293, section 3.10.7.1).
    std::memcpy(&answer[tcp::kSequence], segment + tcp::kAcknowledged, 4);
    answer[tcp::kFlags] = std::byte{tcp::kRst};
  }
  const Ipv4Addr from = destination();
  const Ipv4Addr to = source();
  const std::uint64_t sum =
      probes::pseudo_header_sum(from, to, ipv4::kProtocolTcp, answer.size()) + ones_sum(answer);
  store_be16(&answer[tcp::kChecksum], checksum_of(sum));
  std::memcpy(&bytes_[ipv4::kMinHeaderBytes], answer.data(), answer.size());
  write_header(from, to, ipv4::kProtocolTcp, ipv4::kMinHeaderBytes + answer.size(), ttl, ip_id);
  return true;
}

}  // namespace backsight::sim
