// What results keep of a reply.
#pragma once

#include "probes/reading/reply.h"
#include "tasks/result.h"

namespace backsight::engine {

[[nodiscard]] inline tasks::ReplySummary summary_of(const probes::Reply& reply) noexcept {
  return {.from = reply.from,
          .type = reply.type,
          .ttl = reply.ttl,
          .icmp_type = reply.icmp_type,
          .icmp_code = reply.icmp_code};
}

// What a router or the destination wrote into: the reply's header, or the probe that an error
// quotes.
[[nodiscard]] inline const probes::IpOptions& options_of(const probes::Reply& reply) noexcept {
  return reply.has_quote ? reply.quoted.options : reply.options;
}

}  // namespace backsight::engine
