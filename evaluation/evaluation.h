// Reverse traceroutes through a simulated Internet, and how right, how quick and how dear they are:
// the same requests by our planner or by a baseline of reduced rules (baseline.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/error.h"
#include "config/sim/world_config.h"
#include "evaluation/latency.h"

namespace backsight::evaluation {

struct EvaluationConfig {
  config::WorldConfig world;
  std::uint64_t seed = 1;  // of sources, destinations and atlas probes
  std::uint32_t sources = 4;
  std::uint32_t atlas_probes = 1000;  // traceroutes to each source from elsewhere, as of RIPE Atlas
  std::uint32_t requests = 5000;
  double requests_per_second = 100;  // simulated
  std::uint32_t at_once = 0;         // instead of a rate: so many are under way; 0: by rate
  std::uint64_t vp_pps = 300;        // of each vantage point
  bool is_baseline = false;
  std::string archive;      // directory, for an archive of all that is measured; empty: none
  bool tells_each = false;  // also the scores of each path
};

// Of paths that could be scored. Addresses are looked up in the prefix table, as users do.
struct AsScore {
  std::uint64_t paths = 0;
  std::uint64_t complete = 0;     // every AS that a traceroute from the destination shows
  std::uint64_t missing_one = 0;  // one less, and no other
  std::uint64_t missing_more = 0;
  std::uint64_t wrong = 0;  // an AS that neither the true path nor that traceroute has
};

struct HopScore {
  std::uint64_t right = 0;
  std::uint64_t wrong = 0;
  std::uint64_t unknown = 0;  // addresses that are no router's
};

// One path that was scored.
struct PathScore {
  enum class Ases : std::uint8_t { kComplete, kMissingOne, kMissingMore, kWrong };
  std::uint64_t request = 0;  // its id: the same of both planners
  std::uint64_t right = 0;    // hops
  std::uint64_t wrong = 0;
  Ases ases = Ases::kComplete;
  bool is_measured = true;  // nothing assumed across ASes
};

// A quarter of a run's requests: those of the first, those after them, and so on. Packets and times
// are of the stretch in which they were made; of the last, up to the end of the run.
struct Part {
  std::uint64_t requests = 0;
  std::uint64_t packets = 0;  // sent by vantage points
  double simulated_s = 0;
  LatencyHistogram latency;
  // What depends on the machine.
  double wall_s = 0;
  std::uint64_t resident_bytes = 0;  // of the process, simulation included, at the part's end
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
  std::vector<PathScore> each;  // in the order in which they ended
  std::map<std::string, std::uint64_t> failures;
  LatencyHistogram latency;             // simulated, of those that were reached
  std::uint64_t background_probes = 0;  // atlas and tests, before the first request
  std::uint64_t packets = 0;            // sent while requests ran, surveys included
  std::uint64_t tasks = 0;              // as above; a trace is one
  std::uint64_t records = 0;            // as above: results and observations
  std::uint64_t record_bytes = 0;       // of them, as messages hold them
  std::uint64_t messages = 0;           // of results
  std::uint64_t busiest_packets = 0;    // of them, sent by the vantage point that sent most
  std::size_t vantage_points = 0;
  std::uint64_t destination_ases = 0;
  double simulated_s = 0;
  std::array<Part, 4> parts;
  // What depends on the machine. While requests ran:
  double wall_s = 0;
  double cpu_s = 0;
  double controller_s = 0;  // of wall_s, spent in the controller
  std::uint64_t archive_rows = 0;
  std::uint64_t archive_bytes = 0;  // packed
  std::uint64_t peak_bytes = 0;
};

// `progress` is told a sentence about once a second.
[[nodiscard]] Expected<Evaluation> evaluate(
    const EvaluationConfig& config, const std::function<void(const std::string&)>& progress);

[[nodiscard]] std::string to_json(const EvaluationConfig& config, const Evaluation& result);

}  // namespace backsight::evaluation
