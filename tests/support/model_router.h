// A model of the Internet's routers and hosts: turns the bytes of a probe into the packets that
// come back. It shares no code with probes/ but types, so that a mistake there is not repeated
// here; checksums are computed the slow and obvious way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "probes/ip/address.h"
#include "probes/reading/ip_options.h"
#include "probes/reading/reply.h"
#include "probes/wire/mac_addr.h"
#include "tests/support/hex.h"

namespace backsight::testing {

using probes::Ipv4Addr;
using probes::MacAddr;
using probes::MplsLabel;
using probes::RecordedTimestamp;

inline constexpr std::uint8_t kReplyTtl = 60;
inline constexpr std::size_t kWholeProbe = ~std::size_t{0};

// How a router quotes a probe in an error.
struct QuoteShape {
  std::size_t transport_bytes = 8;   // of the probe beyond its IPv4 header; at most what there is
  std::vector<MplsLabel> mpls = {};  // not empty: the quote is padded to 128 bytes, labels follow
  bool says_length = true;           // with mpls: the length field of RFC 4884 is set
};

// What routers write into the options of a passing packet; false when there is no room or option.
// Checksums stay as they are until fix_checksums().
bool stamp_route(Packet& packet, Ipv4Addr address);
bool stamp_time(Packet& packet, RecordedTimestamp stamp);

// Makes the checksums of IPv4 and of ICMP, UDP or TCP right.
void fix_checksums(Packet& packet);

// The Internet checksum, byte by byte.
[[nodiscard]] std::uint16_t slow_checksum(std::span<const std::byte> bytes);

// The destination's answer to an echo request; `stamps` go into the free slots of a Record Route
// option, as many as fit, the way there and the way back.
[[nodiscard]] Packet make_echo_reply(std::span<const std::byte> probe,
                                     std::span<const Ipv4Addr> stamps = {},
                                     std::uint8_t ttl = kReplyTtl);

// The ICMP errors of `router`. The quoted probe is as sent, its TTL run down to 1.
[[nodiscard]] Packet make_time_exceeded(std::span<const std::byte> probe, Ipv4Addr router,
                                        const QuoteShape& shape = {});
[[nodiscard]] Packet make_unreachable(std::span<const std::byte> probe, Ipv4Addr router,
                                      std::uint8_t code, const QuoteShape& shape = {});
[[nodiscard]] Packet make_parameter_problem(std::span<const std::byte> probe, Ipv4Addr router,
                                            std::uint8_t pointer, const QuoteShape& shape = {});
[[nodiscard]] Packet make_redirect(std::span<const std::byte> probe, Ipv4Addr router,
                                   std::uint8_t code, Ipv4Addr gateway);

// Any ICMP error: `rest` is the word after the checksum.
[[nodiscard]] Packet make_icmp_error(std::span<const std::byte> probe, Ipv4Addr router,
                                     std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                                     const QuoteShape& shape = {});

// The destination's answers to a TCP SYN.
[[nodiscard]] Packet make_tcp_reset(std::span<const std::byte> probe, std::uint8_t ttl = kReplyTtl);
[[nodiscard]] Packet make_tcp_syn_ack(std::span<const std::byte> probe,
                                      std::uint8_t ttl = kReplyTtl);

// The packet in a frame, behind 802.1Q tags of these VLAN ids (the outer of two is 802.1ad), padded
// to Ethernet's minimum.
[[nodiscard]] Packet in_ethernet(std::span<const std::byte> packet, MacAddr dst, MacAddr src,
                                 std::span<const std::uint16_t> vlans = {});

}  // namespace backsight::testing
