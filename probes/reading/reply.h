// A received packet that may answer a probe, and its parser. `reply_` is the packet we received,
// `quoted` the copy of our probe inside an ICMP error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tl/expected.hpp>

#include "probes/identity/identity.h"
#include "probes/ip/address.h"
#include "probes/probe.h"
#include "probes/reading/flaw.h"
#include "probes/reading/ip_options.h"
#include "probes/reading/reject.h"

namespace backsight::probes {

enum class ReplyType : std::uint8_t {
  kEchoReply,
  kTimeExceeded,
  kUnreachable,
  kParameterProblem,
  kRedirect,
  kTcpReset,
  kTcpSynAck,
};

// One label stack entry (RFC 4950, of RFC 3032).
struct MplsLabel {
  std::uint32_t label = 0;         // 20 bits
  std::uint8_t traffic_class = 0;  // 3 bits
  bool is_bottom = false;
  std::uint8_t ttl = 0;

  // The entry's 32 bits, as a number.
  [[nodiscard]] static constexpr MplsLabel of_entry(std::uint32_t entry) noexcept {
    return {.label = entry >> 12,
            .traffic_class = static_cast<std::uint8_t>(entry >> 9 & 7),
            .is_bottom = (entry >> 8 & 1) != 0,
            .ttl = static_cast<std::uint8_t>(entry & 0xff)};
  }
  [[nodiscard]] constexpr std::uint32_t entry() const noexcept {
    return label << 12 | (traffic_class & 7U) << 9 | (is_bottom ? 1U << 8 : 0U) | ttl;
  }

  friend constexpr auto operator<=>(const MplsLabel&, const MplsLabel&) = default;
};

inline constexpr std::size_t kMaxMplsLabels = 8;

struct MplsStack {
  std::array<MplsLabel, kMaxMplsLabels> labels{};
  std::uint8_t count = 0;  // labels beyond the eighth are not kept
};

// Our probe as a router quoted it: IPv4 header with its options, then at least 8 bytes. Routers
// change TTL, checksum, TOS, lengths and IP id on the way, or swap their bytes; about 2% of quotes
// carry a wrong destination.
struct Quoted {
  Ipv4Addr src;
  Ipv4Addr dst;
  std::uint8_t protocol = 0;  // 1, 6 or 17
  std::uint8_t ttl = 0;
  std::uint8_t tos = 0;
  std::uint16_t ip_id = 0;         // a hint: zeroed, swapped and shifted by real routers
  std::uint16_t total_length = 0;  // as quoted; some routers change it
  std::uint16_t src_port = 0;      // UDP and TCP
  std::uint16_t dst_port = 0;      // UDP and TCP
  std::uint16_t checksum = 0;      // ICMP's or UDP's; TCP's is beyond the 8 bytes
  std::uint32_t handle =
      0;  // ICMP: id << 16 | sequence; TCP: sequence; UDP: ip_id << 16 | checksum
  bool has_identity = false;  // where the payload's 16 bytes belong stands something
  bool is_short = false;      // of that: lengths say that the probe or its quote ends before
  Identity identity;
  IpOptions options;  // as far as the probe came
};

struct Reply {
  ReplyType type = ReplyType::kEchoReply;
  Ipv4Addr from;
  Ipv4Addr to;
  Flaws flaws;                 // kIpChecksum, kIcmpChecksum: only the whole tag proves it
  std::uint8_t ttl = 0;        // of the reply where it arrived
  std::uint8_t icmp_type = 0;  // 0 for TCP
  std::uint8_t icmp_code = 0;
  std::uint16_t ip_id = 0;
  std::uint16_t ip_total_length = 0;
  std::uint32_t handle = 0;    // echo reply: id << 16 | sequence; TCP: acknowledged number - 1;
                               // error: the quote's
  std::uint16_t src_port = 0;  // TCP
  std::uint16_t dst_port = 0;  // TCP
  bool has_quote = false;      // an ICMP error
  Identity identity;           // of an echo reply; zeros where its payload ends before
  IpOptions options;           // of the reply's own header
  Quoted quoted;
  MplsStack mpls;             // of an error with an extension structure (RFC 4884, RFC 4950)
  Ipv4Addr redirect_gateway;  // of a redirect
  std::uint8_t parameter_pointer = 0;  // of a parameter problem
};

// Reads one Ethernet frame: priority tags are skipped (probes/reading/ethernet_frame.h), padding
// after the IPv4 packet is ignored, checksums of IPv4, ICMP and TCP are checked. A TCP checksum
// that equals the pseudo header's sum alone is accepted: a virtual link left it for hardware to
// finish. What is odd and leaves a reply readable is a flaw of it; a packet that is none is refused
// for its first flaw, if it has any. Writes nothing but its return value; reads no byte beyond
// `frame`.
[[nodiscard]] tl::expected<Reply, Reject> parse_frame(std::span<const std::byte> frame) noexcept;

// The same from the IPv4 header on.
[[nodiscard]] tl::expected<Reply, Reject> parse_packet(std::span<const std::byte> packet) noexcept;

// What a frame seems to be, for whoever wants to fetch what it names, or to compute with many
// frames at once, before it reads on. Nothing of the frame is checked but lengths.
struct Peek {
  std::uint32_t handle = 0;   // 0: it is not untagged IPv4 of ICMP or TCP that could have one
  bool has_identity = false;  // an echo reply with its identity
  Identity identity;
  Ipv4Addr from;  // with an identity, as is `kind`
  Ipv4Addr to;
  Kind kind = Kind::kPing;  // of the probe, going by the first option
};
[[nodiscard]] Peek peek(std::span<const std::byte> frame) noexcept;

}  // namespace backsight::probes
