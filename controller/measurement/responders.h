// Who answered a traceroute.
#pragma once

#include <span>
#include <vector>

#include "probes/ip/address.h"
#include "tasks/result.h"

namespace backsight::controller {

// The first who answered for each TTL, from TTL 1 on; unspecified: nobody. Attempts come in order
// of sending; one without a TTL is none.
[[nodiscard]] std::vector<probes::Ipv4Addr> responders(std::span<const tasks::Hop> attempts);

}  // namespace backsight::controller
