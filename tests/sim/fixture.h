// A small simulated Internet, shared by the tests that only ask it, and probes as a vantage point
// sends them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "probes/crafting/template.h"
#include "probes/ip/address.h"
#include "sim/world.h"

namespace backsight::sim::testing {

inline constexpr std::uint64_t kNow = 1'800'000'000'000'000'000U;
using Bytes = std::vector<std::byte>;

// 1000 ASes without loss, jitter, limits and balancers by packet: what happens is what the truth
// says.
[[nodiscard]] config::WorldConfig calm_config(std::uint64_t seed = 7);
[[nodiscard]] std::unique_ptr<World> make_world(const config::WorldConfig& config);
// Made once a process; its fates count what all tests injected.
[[nodiscard]] World& calm_world();

struct ProbeWish {
  probes::Shape shape{};
  Ipv4Addr src;
  Ipv4Addr dst;
  std::uint8_t ttl = 64;
  std::uint16_t flow = 0;
  std::uint32_t handle = 0x01020304;
};
[[nodiscard]] Bytes craft(const ProbeWish& wish);
[[nodiscard]] inline probes::Shape ping() { return {.kind = probes::Kind::kPing}; }
[[nodiscard]] inline probes::Shape record_route() { return {.kind = probes::Kind::kRecordRoute}; }
[[nodiscard]] inline probes::Shape trace(probes::TraceMethod method) {
  return {.kind = probes::Kind::kTrace, .method = method};
}

// A host that answers pings and options and stamps once, by number.
[[nodiscard]] Ipv4Addr polite_host(const World& world, std::uint64_t number);

}  // namespace backsight::sim::testing
