// Probes that wait for the same: of one vantage point, one kind and one claimed source, one after
// the other.
#pragma once

#include <compare>

#include "controller/vantage/vp_index.h"
#include "probes/ip/address.h"
#include "probes/probe.h"

namespace backsight::controller {

struct Lane {
  VpIndex vp = kNoVp;
  unsigned packets = 0;  // that each of its probes takes
  probes::Kind kind = probes::Kind::kPing;
  probes::Ipv4Addr src{};  // in the packet
  bool is_spoofed = false;

  friend auto operator<=>(const Lane&, const Lane&) = default;
};

}  // namespace backsight::controller
