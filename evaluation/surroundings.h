// What a controller is given from elsewhere, of a simulated Internet: the prefix-to-AS table, and
// traceroutes that somebody else's probes made.
#pragma once

#include <cstdint>
#include <optional>

#include "controller/annotation/prefix_table.h"
#include "controller/records.h"
#include "sim/world.h"

namespace backsight::evaluation {

// Where simulated time stands in the world's when it begins: any day will do.
inline constexpr std::uint64_t kEpochNs = 1'800'000'000'000'000'000U;

// Announced prefixes, and who has which address in an exchange's LAN, as PeeringDB tells it.
[[nodiscard]] controller::PrefixTable prefixes_of(const sim::World& world);

// What a probe at `from` would trace to the source: what the routers on its way show. Nothing:
// there is no way.
[[nodiscard]] std::optional<controller::TraceRecord> trace_by(sim::World& world,
                                                              probes::Ipv4Addr from,
                                                              probes::Ipv4Addr source,
                                                              std::uint64_t at_ns,
                                                              std::uint64_t id);

}  // namespace backsight::evaluation
