// Any bytes as what an ICMP error quotes, in a packet that is right otherwise: lengths and
// checksums of IPv4 and ICMP, and of an extension structure if the first byte asks for it.
//
//   byte 0     bits 0..1 the type (time exceeded, unreachable, parameter problem, redirect),
//              bit 2 make the checksum at 8 + 4 * byte 1 (or at 8 + 128) right
//   byte 1     the length field of RFC 4884
//   2..        the quote
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "checksums.h"
#include "invariants.h"
#include "probes/reading/reply.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"

namespace backsight::fuzz {
namespace {

using namespace probes;

std::vector<std::byte> wrap(std::span<const std::uint8_t> input) {
  constexpr std::array kTypes = {icmp::kTimeExceeded, icmp::kUnreachable, icmp::kParameterProblem,
                                 icmp::kRedirect};
  constexpr std::size_t kHeaders = ipv4::kMinHeaderBytes + icmp::kHeaderBytes;
  const auto quote = std::as_bytes(input.subspan(2));
  std::vector<std::byte> packet(kHeaders + quote.size());
  packet[ipv4::kVersionAndLength] = std::byte{0x45};
  packet[ipv4::kProtocol] = std::byte{ipv4::kProtocolIcmp};
  store_be16(packet.data() + ipv4::kTotalLength, static_cast<std::uint16_t>(packet.size()));
  std::copy(quote.begin(), quote.end(), packet.begin() + kHeaders);

  const std::span<std::byte> message = std::span(packet).subspan(ipv4::kMinHeaderBytes);
  message[icmp::kType] = static_cast<std::byte>(kTypes[input[0] & 3]);
  message[icmp::kQuoteWords] = static_cast<std::byte>(input[1]);
  const std::size_t quote_bytes =
      input[1] == 0 ? icmp::kOldExtensionOffset : std::size_t{input[1]} * 4;
  if ((input[0] & 4) != 0 && quote_bytes < quote.size()) {
    fix_checksum(message.subspan(icmp::kHeaderBytes + quote_bytes), 2);
  }
  fix_checksum(message, icmp::kChecksum);
  fix_checksum(std::span(packet).first(ipv4::kMinHeaderBytes), ipv4::kChecksum);
  return packet;
}

}  // namespace
}  // namespace backsight::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backsight;
  if (size < 2 || size > 1500) return 0;
  const auto packet = fuzz::wrap({data, size});
  const auto reply = probes::parse_packet(packet);
  if (reply) {
    fuzz::require_in_range(*reply);
    fuzz::require(reply->has_quote, "an error without a quote");
    return 0;
  }
  const probes::Reject reject = reply.error();
  fuzz::require(reject == probes::Reject::kQuoteTooShort ||
                    reject == probes::Reject::kQuoteHeader ||
                    reject == probes::Reject::kQuoteProtocol,
                "refused for something else than the quote");
  return 0;
}
