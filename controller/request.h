// What a user asks for.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "probes/ip/address.h"

namespace backsight::controller {

struct Request {
  std::uint64_t id = 0;     // given by the service
  std::uint64_t batch = 0;  // given by the service
  std::string user;         // name of the key that asked; empty: loopback without keys
  probes::Ipv4Addr src;     // a source's address
  probes::Ipv4Addr dst;
  std::string label;
  std::string uuid;
  std::uint32_t staleness_minutes = 24 * 60;  // of what may be used from caches and atlas
  std::uint8_t max_spoofers = 10;             // tried for one hop
  bool use_cache = true;                      // a finished path of the same pair may be the answer
  bool ping_hops = false;                     // measure the RTT of each hop
  bool forward_traceroute = false;            // trace the way there, too
  bool retry_from_destination_as = true;
  bool find_branches = false;  // show all ways that balancers choose from
  // Why nothing is measured for it: it ends at once, failed, with this sentence. Empty: it is.
  std::string refused;
};

}  // namespace backsight::controller
