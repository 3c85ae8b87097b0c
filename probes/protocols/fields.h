// What varies from probe to probe of one shape.
#pragma once

#include <cstdint>
#include <span>

#include "probes/identity/identity.h"
#include "probes/ip/address.h"

namespace backsight::probes {

struct ProbeFields {
  Ipv4Addr src;
  Ipv4Addr dst;
  std::uint8_t ttl = 64;
  std::uint16_t ip_id = 0;   // ignored by trace over udp, which sends the handle's high half
  std::uint16_t flow = 0;    // of a trace
  std::uint32_t handle = 0;  // trace over udp: the low half is neither 0 nor 0xffff
  Identity identity;
  std::span<const Ipv4Addr> prespecified;  // of a prespecified ts: as many as its shape asks for
};

// The ports of a flow, as the probe has them. Both 0 where the protocol has none.
struct Ports {
  std::uint16_t src = 0;
  std::uint16_t dst = 0;

  friend constexpr bool operator==(const Ports&, const Ports&) = default;
};

}  // namespace backsight::probes
