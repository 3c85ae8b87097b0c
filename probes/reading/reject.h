// Why a received packet is not a reply we can read, or one that can be read and proves nothing
// (probes/reading/flaw.h). Each reason is a counter, and each has a test that provokes it.
// Truncation is refused at the first length that is not covered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace backsight::probes {

enum class Reject : std::uint8_t {
  kFrameTooShort,   // fewer bytes than Ethernet, VLAN tags or the IPv4 header need
  kVlan,            // a tag of a VLAN: not of the port's own network
  kArp,             // not IPv4 but ARP: the neighbour table's
  kNotIpv4,         // another EtherType
  kIpVersion,       // version is not 4
  kIpHeaderLength,  // header length below 20 bytes or beyond the packet
  kIpTotalLength,   // total length below the header's or beyond the frame
  kIpChecksum,      // header checksum is wrong
  kIpFragment,      // a fragment; replies to probes of at most 88 bytes need none
  kIpOptions,       // an option whose length or pointer is impossible
  kProtocol,        // neither ICMP nor TCP
  kIcmpTooShort,    // fewer than 8 bytes of ICMP
  kIcmpChecksum,    // ICMP checksum is wrong
  kEchoRequest,     // somebody pings: the responder's
  kIcmpType,        // an ICMP type that answers no probe
  kNoIdentity,      // an echo reply with fewer than 16 bytes of payload
  kQuoteTooShort,   // an error that quotes less than IPv4 header + 8 bytes
  kQuoteHeader,     // a quoted header that no probe of ours could have
  kQuoteProtocol,   // quotes neither ICMP echo request, UDP nor TCP
  kTcpTooShort,     // fewer than 20 bytes of TCP, or a data offset beyond them
  kTcpChecksum,     // TCP checksum is wrong
  kTcpFlags,        // neither SYN-ACK nor RST
  kCount
};

inline constexpr std::size_t kRejectCount = static_cast<std::size_t>(Reject::kCount);

// The word in metrics and logs: "frame_too_short", "arp", ...; ends in a zero byte.
[[nodiscard]] std::string_view name(Reject reject) noexcept;

}  // namespace backsight::probes
