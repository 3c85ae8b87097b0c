// What a vantage point announces of itself (docs/formats.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "probes/ip/address.h"

namespace backsight::controller {

struct Announcement {
  std::string name;
  std::uint16_t number = 0;  // in probe ids
  probes::Ipv4Addr address;
  probes::Ipv4Addr gateway;  // unspecified: none
  double pps = 0;            // 0: without limit
  bool is_ready = false;
  std::string why_not;  // printable
  std::uint64_t started_at_ns = 0;
  std::uint64_t updated_at_ns = 0;  // Unix time, of its own clock
  bool is_old = false;  // it said so long ago: it may be gone, and is silent until it says more
};

// Trusts nothing. The error is a clause: what is wrong with it.
[[nodiscard]] tl::expected<Announcement, std::string> parse_announcement(std::string_view json);

}  // namespace backsight::controller
