// Addresses that name nobody: the same one stands for other hosts in other networks, or for none.
#pragma once

#include "probes/ip/address.h"

namespace backsight::probes {

// Of IANA's special-purpose registry (RFC 6890) what is used anew in each network, or is no host's:
// "this network" (0/8, the unspecified address among it), loopback, private (RFC 1918, 6598, 3927),
// IETF protocol assignments (192.0.0/24), relays of 6to4 (192.88.99/24, RFC 7526), multicast,
// reserved and broadcast. Two sightings of such an address are no sign of one router.
//
// Not so documentation and benchmark ranges (RFC 5737, 2544): laboratories number an Internet of
// theirs with them, where each address stands once.
[[nodiscard]] constexpr bool names_nobody(Ipv4Addr address) noexcept {
  const std::uint32_t value = address.value;
  switch (value >> 24) {
    case 0:
    case 10:
    case 127:
      return true;
    case 100:
      return value >> 22 == 0x64400000 >> 22;
    case 169:
      return value >> 16 == 0xa9fe;
    case 172:
      return value >> 20 == 0xac1;
    case 192:
      return value >> 16 == 0xc0a8 || value >> 8 == 0xc00000 || value >> 8 == 0xc05863;
    default:
      return value >> 28 >= 0xe;
  }
}

}  // namespace backsight::probes
