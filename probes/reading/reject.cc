#include "probes/reading/reject.h"

#include "probes/assert.h"

namespace backsight::probes {

std::string_view name(Reject reject) noexcept {
  switch (reject) {
    case Reject::kFrameTooShort:
      return "frame_too_short";
    case Reject::kVlan:
      return "vlan";
    case Reject::kArp:
      return "arp";
    case Reject::kNotIpv4:
      return "not_ipv4";
    case Reject::kIpVersion:
      return "ip_version";
    case Reject::kIpHeaderLength:
      return "ip_header_length";
    case Reject::kIpTotalLength:
      return "ip_total_length";
    case Reject::kIpChecksum:
      return "ip_checksum";
    case Reject::kIpFragment:
      return "ip_fragment";
    case Reject::kIpOptions:
      return "ip_options";
    case Reject::kProtocol:
      return "protocol";
    case Reject::kIcmpTooShort:
      return "icmp_too_short";
    case Reject::kIcmpChecksum:
      return "icmp_checksum";
    case Reject::kEchoRequest:
      return "echo_request";
    case Reject::kIcmpType:
      return "icmp_type";
    case Reject::kNoIdentity:
      return "no_identity";
    case Reject::kQuoteTooShort:
      return "quote_too_short";
    case Reject::kQuoteHeader:
      return "quote_header";
    case Reject::kQuoteProtocol:
      return "quote_protocol";
    case Reject::kTcpTooShort:
      return "tcp_too_short";
    case Reject::kTcpChecksum:
      return "tcp_checksum";
    case Reject::kTcpFlags:
      return "tcp_flags";
    case Reject::kCount:
      break;
  }
  BACKSIGHT_ASSERT(false);
  return "";
}

}  // namespace backsight::probes
