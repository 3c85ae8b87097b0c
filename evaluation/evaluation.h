// Reverse traceroutes through a simulated Internet, and how right, how quick and how dear they are:
// the same requests by our planner or by RevTr 2.0's rules (baseline.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/error.h"
#include "config/world_config.h"

namespace backsight::evaluation {

struct EvaluationConfig {
  config::WorldConfig world;
  std::uint64_t seed = 1;  // of sources, destinations and atlas probes
  std::uint32_t sources = 4;
  std::uint32_t atlas_probes = 1000;  // traceroutes to each source from elsewhere, as of RIPE Atlas
  std::uint32_t requests = 5000;
  double requests_per_second = 100;  // simulated
  double vp_pps = 300;               // of each vantage point
  bool is_baseline = false;
};

// Of paths that could be scored. Addresses are looked up in the prefix table, as users do.
struct AsScore {
  std::uint64_t paths = 0;
  std::uint64_t complete = 0;  // every AS that a traceroute from the destination shows
  std::uint64_t missing_one = 0;  // one less, and no other
  std::uint64_t missing_more = 0;
  std::uint64_t wrong = 0;  // an AS that neither the true path nor that traceroute has
};

struct HopScore {
  std::uint64_t right = 0;
  std::uint64_t wrong = 0;
  std::uint64_t unknown = 0;  // addresses that are no router's
};

struct Evaluation {
  std::uint64_t requests = 0;
  std::uint64_t reached = 0;
  std::uint64_t measured = 0;  // reached without symmetry across ASes
  AsScore all;                 // reached
  AsScore of_measured;
  AsScore of_measured_strict;  // every AS that the path is in, also those that no address tells of
  std::map<int, HopScore> hops;  // by type
  std::uint64_t routers = 0;     // of true paths that were reached, visible ones
  std::uint64_t routers_found = 0;
  std::map<std::string, std::uint64_t> failures;
  std::vector<double> latency_s;         // simulated, of those that were reached, sorted
  double probes_per_revtr = 0;           // sent for measurements, surveys included
  double background_probes = 0;          // atlas and tests
  double packets_per_second_and_vp = 0;  // simulated, while requests ran
  double simulated_s = 0;
  double wall_s = 0;
  double revtrs_per_second = 0;  // wall clock, simulation included
  std::uint64_t memory_bytes = 0;
  std::uint64_t destinations_ases = 0;

  [[nodiscard]] double latency(double quantile) const;
};

// `progress` is told a sentence about once a second.
[[nodiscard]] Expected<Evaluation> evaluate(
    const EvaluationConfig& config, const std::function<void(const std::string&)>& progress);

[[nodiscard]] std::string to_json(const EvaluationConfig& config, const Evaluation& result);

}  // namespace backsight::evaluation
