// Any bytes as an Ethernet frame, and as an IPv4 packet; the packet again with its checksums made
// right as far as its lengths allow, so that most inputs get behind them. TCP's is made right by
// its partial form.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "checksums.h"
#include "invariants.h"
#include "probes/reading/reply.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ethernet.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/transport.h"

namespace backsight::fuzz {
namespace {

using namespace probes;

void fix_checksums(std::span<std::byte> packet) {
  if (packet.size() < ipv4::kMinHeaderBytes) return;
  const ipv4::HeaderView header(packet.data());
  const std::size_t header_bytes = header.header_bytes();
  const std::size_t total = header.total_length();
  if (header_bytes < ipv4::kMinHeaderBytes || total < header_bytes || total > packet.size()) return;
  fix_checksum(packet.first(header_bytes), ipv4::kChecksum);
  const auto payload = packet.first(total).subspan(header_bytes);
  if (header.protocol() == ipv4::kProtocolIcmp) fix_checksum(payload, icmp::kChecksum);
  if (header.protocol() == ipv4::kProtocolTcp && payload.size() >= tcp::kMinHeaderBytes) {
    store_be16(payload.data() + tcp::kChecksum,
               fold(pseudo_header_sum(header.source(), header.destination(), ipv4::kProtocolTcp,
                                      payload.size())));
  }
}

void check(const tl::expected<Reply, Reject>& reply) {
  if (reply) return require_in_range(*reply);
  require(reply.error() < Reject::kCount, "a reason that does not exist");
}

// A peek at a frame without VLAN tags says what reading it says.
void check_peek(std::span<const std::byte> frame, const tl::expected<Reply, Reject>& reply) {
  const Peek seen = peek(frame);
  if (!reply || load_be16(&frame[ethernet::kTypeOffset]) != ethernet::kTypeIpv4) return;
  require(seen.handle == reply->handle, "another handle at first sight");
  const bool is_echo_reply = reply->type == ReplyType::kEchoReply;
  require(is_echo_reply || !seen.has_identity, "an identity of what is no echo reply");
  const ipv4::HeaderView header(&frame[ethernet::kHeaderBytes]);
  const std::size_t needed = header.header_bytes() + icmp::kHeaderBytes + kIdentityBytes;
  // One that ends before its identity does has none, whatever follows it in the frame.
  if (!is_echo_reply || header.total_length() < needed) return;
  require(seen.has_identity || frame.size() < ethernet::kHeaderBytes + needed, "no identity");
  if (!seen.has_identity) return;
  require(seen.identity.id == reply->identity.id && seen.identity.tag == reply->identity.tag,
          "another identity at first sight");
  require(seen.from == reply->from && seen.to == reply->to, "other addresses at first sight");
}

}  // namespace
}  // namespace backsight::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backsight;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto frame = probes::parse_frame(bytes);
  fuzz::check(frame);
  fuzz::check_peek(bytes, frame);
  fuzz::check(probes::parse_packet(bytes));
  std::vector<std::byte> packet(bytes.begin(), bytes.end());
  fuzz::fix_checksums(packet);
  fuzz::check(probes::parse_packet(packet));
  return 0;
}
