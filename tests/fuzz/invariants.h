// What holds for every reply, whatever was received. A breach aborts.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "probes/reading/reply.h"

namespace backsight::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

inline void require_in_range(const probes::IpOptions& options) {
  require(options.record_route.count <= options.record_route.slots, "more hops than slots");
  require(options.record_route.slots <= probes::kMaxRecordedHops, "more slots than a header has");
  require(options.timestamps.count <= options.timestamps.slots, "more stamps than slots");
  require(options.timestamps.slots <= probes::kMaxTimestamps, "more slots than a header has");
  require(options.timestamps.overflow <= 15, "overflow beyond four bits");
}

inline void require_in_range(const probes::Reply& reply) {
  require_in_range(reply.options);
  require_in_range(reply.quoted.options);
  require(reply.mpls.count <= probes::kMaxMplsLabels, "more labels than kept");
  require(reply.has_quote || reply.mpls.count == 0, "labels without a quote");
  require(reply.has_quote || !reply.quoted.has_identity, "an identity quoted nowhere");
  require(!reply.has_quote || reply.handle == reply.quoted.handle, "two handles");
  require(!reply.quoted.has_identity || reply.quoted.identity.id.vp != 0, "an identity of VP 0");
}

}  // namespace backsight::fuzz
