// Names of hosts as addresses.
#pragma once

#include <string>

#include "config/error.h"
#include "probes/ip/address.h"

namespace backsight::cli {

// The IPv4 address of a host, by its address or name. What looks like a number and is not an
// address in dotted decimal is refused: resolvers make some address of it.
[[nodiscard]] Expected<probes::Ipv4Addr> resolve(const std::string& name);

}  // namespace backsight::cli
