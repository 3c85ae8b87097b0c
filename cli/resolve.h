// Names of hosts as addresses.
#pragma once

#include <string>

#include "config/error.h"
#include "probes/address.h"

namespace backsight::cli {

// The IPv4 address of a host, by its address or name.
[[nodiscard]] Expected<probes::Ipv4Addr> resolve(const std::string& name);

}  // namespace backsight::cli
