// The network that an address is in: what limits, caches and the choice of a worker treat as one
// neighbourhood. A /24 of IPv4, the longest prefix that is routed; a /48 of IPv6, a site's.
#pragma once

#include <cstdint>

#include "probes/ip/address.h"
#include "probes/ip/ip_addr.h"

namespace backsight::probes {

inline constexpr unsigned kIpv4NetworkBits = 24;
inline constexpr unsigned kIpv6NetworkBits = 48;

// The network's number: its prefix bits, 0..0xffffff.
[[nodiscard]] constexpr std::uint32_t network_of(Ipv4Addr address) noexcept {
  return address.value >> (32 - kIpv4NetworkBits);
}

// The same for either family, and no number for both: above those of IPv4 stand those of IPv6.
[[nodiscard]] constexpr std::uint64_t network_of(const IpAddr& address) noexcept {
  if (address.is_ipv4()) return network_of(address.ipv4());
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < kIpv6NetworkBits / 8; ++i) prefix = prefix << 8 | address.bytes()[i];
  return std::uint64_t{1} << kIpv6NetworkBits | prefix;
}

// The network as a prefix.
[[nodiscard]] constexpr Ipv4Prefix network_prefix_of(Ipv4Addr address) noexcept {
  return {{network_of(address) << (32 - kIpv4NetworkBits)}, kIpv4NetworkBits};
}

}  // namespace backsight::probes
