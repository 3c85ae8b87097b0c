#include "evaluation/surroundings.h"

#include <utility>
#include <vector>

namespace backsight::evaluation {

controller::PrefixTable prefixes_of(const sim::World& world) {
  std::vector<controller::Origin> origins;
  for (const auto& prefix : world.prefixes()) {
    const probes::Ipv4Addr base = prefix.prefix.base;
    if (const auto asn = world.origin(base)) origins.push_back({prefix.prefix, *asn});
  }
  world.for_each_exchange_member([&](probes::Ipv4Addr address, std::uint32_t as_number) {
    origins.push_back({{address, 32}, as_number});
  });
  return controller::PrefixTable::of(std::move(origins));
}

std::optional<controller::TraceRecord> trace_by(sim::World& world, probes::Ipv4Addr from,
                                                probes::Ipv4Addr source, std::uint64_t at_ns,
                                                std::uint64_t id) {
  const sim::Path path = world.path(from, source, at_ns);
  if (!path.exists) return std::nullopt;
  controller::TraceRecord record;
  record.id = id;
  record.platform = "ripe";
  record.src = from;
  record.dst = source;
  record.started_unix_us = at_ns / 1000;
  record.outcome = tasks::Outcome::kReached;
  std::uint8_t ttl = 0;
  const auto add = [&](probes::Ipv4Addr shows) {
    tasks::Hop hop;
    hop.ttl = ++ttl;
    hop.attempt = 1;
    hop.has_reply = !shows.is_unspecified();
    hop.reply.from = shows;
    record.hops.push_back(hop);
  };
  for (const sim::Hop& hop : path.hops) {
    if (!hop.is_hidden) add(hop.shows);
  }
  add(source);
  return record;
}

}  // namespace backsight::evaluation
