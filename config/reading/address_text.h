// Addresses and prefixes in config files: as probes/ip/address.h reads them, and why they are
// refused.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "probes/ip/address.h"

namespace backsight::config {

// The error is a clause: "192.0.2.300" is no IPv4 address.
[[nodiscard]] tl::expected<probes::Ipv4Addr, std::string> read_address(std::string_view text);

// As read_address, for a prefix or a bare address. Host bits that are set come with the remedy.
[[nodiscard]] tl::expected<probes::Ipv4Prefix, std::string> read_prefix(std::string_view text);

// An address of a host and the prefix length of its link: "192.0.2.10/24". Host bits may be set.
struct LinkAddress {
  probes::Ipv4Addr address;
  std::uint8_t prefix_length;
};
[[nodiscard]] tl::expected<LinkAddress, std::string> read_link_address(std::string_view text);

}  // namespace backsight::config
