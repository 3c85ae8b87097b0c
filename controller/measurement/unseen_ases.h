// ASes that a path passed and no stamp shows: networks whose routers do not stamp. Two stamps in a
// row are then of ASes that are no neighbours, and the traceroutes to the source know who is
// between.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "controller/annotation/prefix_table.h"
#include "controller/atlas/source_atlas.h"
#include "controller/reverse_path.h"
#include "probes/ip/address.h"

namespace backsight::controller {

struct UnseenHops {
  std::size_t before = 0;  // the hop of the path that they stand before
  std::vector<probes::Ipv4Addr> hops;
  std::uint64_t trace = 0;  // that shows them
};

// For each step of the path `hops`, which has met a traceroute, from one AS to another: hops
// between that are of ASes which neither the path nor the traceroute's rest shows, and which stand
// in all traceroutes by the meeting that come from the AS that is left. In order of the path.
[[nodiscard]] std::vector<UnseenHops> unseen_ases(std::span<const ReverseHop> hops,
                                                  const Intersection& met, const SourceAtlas& atlas,
                                                  SteadyNs oldest, const PrefixTable& prefixes);

}  // namespace backsight::controller
