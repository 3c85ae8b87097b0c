// What a fleet of vantage points would find out about hosts drawn at random.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/world.h"

namespace backsight::sim {

// Counts of the hosts asked.
struct Responses {
  std::uint32_t pingable = 0;
  std::uint32_t record = 0;    // of those: answer a probe with Record Route
  std::uint32_t in_reach = 0;  // of those: some vantage point has a free slot on the way back
};

// One path in both directions.
struct PathSample {
  std::uint32_t as_length = 0;      // ASes, both ends included
  std::uint32_t router_length = 0;  // hops that a traceroute counts, the destination included
  double rtt_ms = 0;
  bool is_as_symmetric = false;
  double found = 0;  // share of the routers back that are on the way there
};

// Assuming that the last router before R on the way there is the first on the way back.
struct Assumptions {
  std::uint32_t within = 0;  // of the same AS
  std::uint32_t within_right = 0;
  std::uint32_t across = 0;
  std::uint32_t across_right = 0;
};

class Survey {
 public:
  explicit Survey(World& world) : world_(world) {}

  void ask(std::uint64_t number, Responses& responses);
  // Nothing when no host was found or it does not answer.
  [[nodiscard]] bool sample_path(std::uint64_t number, PathSample& sample,
                                 Assumptions& assumptions);

 private:
  [[nodiscard]] bool answers(bool records, const VantagePoint& vp, Ipv4Addr host);
  [[nodiscard]] bool is_in_reach(Ipv4Addr host);
  void assume(const VantagePoint& vp, Ipv4Addr host, const Path& back, Assumptions& assumptions);

  World& world_;
  Deliveries out_;
  std::uint64_t now_ns_ = 1'800'000'000'000'000'000U;
};

}  // namespace backsight::sim
