// The IPv4 options that record: Record Route (RFC 791, section 3.1, type 7) and Internet Timestamp
// (type 68), read as routers left them. Every byte comes from the network, so every length is
// checked before it is used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/ip/address.h"
#include "probes/probe.h"

namespace backsight::probes {

// The addresses that routers wrote, nearest to the prober first.
struct RecordedRoute {
  std::array<Ipv4Addr, kMaxRecordedHops> hops{};
  std::uint8_t count = 0;  // slots filled, 0..slots
  std::uint8_t slots = 0;  // slots offered, 0..9

  [[nodiscard]] std::span<const Ipv4Addr> filled() const noexcept { return {hops.data(), count}; }
};

// One entry of a timestamp option.
struct RecordedTimestamp {
  Ipv4Addr address;            // unspecified for "timestamps only"
  std::uint32_t milliseconds;  // since midnight UT; non-standard times have the top bit set
};

struct RecordedTimestamps {
  std::array<RecordedTimestamp, kMaxTimestamps> stamps{};
  std::uint8_t count = 0;     // entries filled in; of a prespecified option: entries stamped
  std::uint8_t slots = 0;     // entries offered, 0..9
  std::uint8_t overflow = 0;  // hops that found no room, 0..15
  TimestampType type = TimestampType::kOnly;
};

// The options of one header. An option that is not ours is skipped by its length. One whose length,
// pointer or type is impossible, and one that stands twice, is left out.
struct IpOptions {
  bool has_record_route = false;
  bool has_timestamps = false;
  bool has_unread = false;  // something was left out
  RecordedRoute record_route;
  RecordedTimestamps timestamps;
};

// Reads the options between the fixed 20 bytes and the header's end, as far as they can be read.
[[nodiscard]] IpOptions parse_ip_options(std::span<const std::byte> options) noexcept;

}  // namespace backsight::probes
