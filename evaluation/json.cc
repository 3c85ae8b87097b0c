// What backsight-evaluate prints. All that depends on the machine stands under "machine": the rest
// is the same whenever the same is run.
#include <nlohmann/json.hpp>

#include "evaluation/evaluation.h"

namespace backsight::evaluation {

namespace {

using Json = nlohmann::ordered_json;

Json share(std::uint64_t part, std::uint64_t of) {
  if (of == 0) return nullptr;
  return static_cast<double>(part) / static_cast<double>(of);
}

double per(double what, double of) { return of == 0 ? 0 : what / of; }

Json as_scores(const AsScore& score) {
  return {{"paths", score.paths},
          {"complete", score.complete},
          {"missing_one", score.missing_one},
          {"missing_more", score.missing_more},
          {"wrong", score.wrong}};
}

Json hops_by_type(const Evaluation& result) {
  Json by_type = Json::object();
  for (const auto& [type, score] : result.hops) {
    by_type[std::to_string(type)] = {
        {"right", score.right},
        {"wrong", score.wrong},
        {"unknown", score.unknown},
        {"share_right", share(score.right, score.right + score.wrong)}};
  }
  return by_type;
}

Json histogram(const LatencyHistogram& latency) {
  Json steps = Json::array();
  for (std::size_t step = 0; step < LatencyHistogram::kSteps; ++step) {
    if (latency.count(step) == 0) continue;
    steps.push_back({LatencyHistogram::upper_s(step), latency.count(step)});
  }
  return steps;
}

// [request, hops right, hops wrong, ASes as in PathScore::Ases, nothing assumed across ASes: 1]
Json each(const Evaluation& result) {
  Json paths = Json::array();
  for (const PathScore& it : result.each) {
    paths.push_back({it.request, it.right, it.wrong, static_cast<int>(it.ases),
                     static_cast<int>(it.is_measured)});
  }
  return paths;
}

Json parts(const Evaluation& result) {
  Json parts = Json::array();
  for (const Part& it : result.parts) {
    const auto requests = static_cast<double>(it.requests);
    parts.push_back({{"requests", it.requests},
                     {"simulated_s", it.simulated_s},
                     {"latency_p50_s", it.latency.quantile_s(0.5)},
                     {"latency_p90_s", it.latency.quantile_s(0.9)},
                     {"latency_p99_s", it.latency.quantile_s(0.99)},
                     {"probes_per_revtr", per(static_cast<double>(it.packets), requests)}});
  }
  return parts;
}

Json machine(const Evaluation& result) {
  const auto requests = static_cast<double>(result.requests);
  Json parts = Json::array();
  for (const Part& it : result.parts) {
    parts.push_back({{"wall_s", it.wall_s},
                     {"revtrs_per_second", per(static_cast<double>(it.requests), it.wall_s)},
                     {"resident_mib", it.resident_bytes >> 20}});
  }
  // Both clocks ran over the same stretch; the process may have waited for a core.
  const double controller_cpu_s = result.cpu_s * per(result.controller_s, result.wall_s);
  return {{"wall_s", result.wall_s},
          {"cpu_s", result.cpu_s},
          {"revtrs_per_second", per(requests, result.wall_s)},
          {"revtrs_per_cpu_second", per(requests, result.cpu_s)},
          {"controller_cpu_ms_per_revtr", per(controller_cpu_s * 1e3, requests)},
          {"peak_mib", result.peak_bytes >> 20},
          {"archive_rows", result.archive_rows},
          {"archive_bytes", result.archive_bytes},
          {"parts", parts}};
}

Json accuracy(const Evaluation& result) {
  std::uint64_t right = 0, judged = 0;
  for (const auto& [type, score] : result.hops) {
    right += score.right;
    judged += score.right + score.wrong;
  }
  const AsScore& measured = result.of_measured;
  return {{"as_complete", share(measured.complete, measured.paths)},
          {"as_missing_one", share(measured.missing_one, measured.paths)},
          {"as_missing_more", share(measured.missing_more, measured.paths)},
          {"as_wrong", share(measured.wrong, measured.paths)},
          {"as_of_measured", as_scores(measured)},
          {"as_of_measured_strict", as_scores(result.of_measured_strict)},
          {"as_of_all", as_scores(result.all)},
          {"router_right", share(right, judged)},
          {"routers", result.routers},
          {"routers_found", result.routers_found},
          {"hops_by_type", hops_by_type(result)},
          {"reached", result.reached},
          {"measured", result.measured},
          {"coverage", share(result.reached, result.requests)},
          {"coverage_measured", share(result.measured, result.requests)},
          {"failures", result.failures}};
}

}  // namespace

std::string to_json(const EvaluationConfig& config, const Evaluation& result) {
  const auto requests = static_cast<double>(result.requests);
  const auto packets = static_cast<double>(result.packets);
  Json json = {{"planner", config.is_baseline ? "reduced" : "backsight"},
               {"ases", config.world.topology.ases},
               {"vantage_points", result.vantage_points},
               {"world_seed", config.world.seed},
               {"seed", config.seed},
               {"sources", config.sources},
               {"requests_per_second", config.requests_per_second},
               {"at_once", config.at_once},
               {"requests", result.requests},
               {"destination_ases", result.destination_ases}};
  json.update(accuracy(result));
  json.update(
      {{"latency_p50_s", result.latency.quantile_s(0.5)},
       {"latency_p90_s", result.latency.quantile_s(0.9)},
       {"latency_p99_s", result.latency.quantile_s(0.99)},
       {"packets", result.packets},
       {"tasks", result.tasks},
       {"records", result.records},
       {"record_bytes", result.record_bytes},
       {"messages", result.messages},
       {"background_probes", result.background_probes},
       {"probes_per_revtr", per(packets, requests)},
       {"vp_pps", per(packets, result.simulated_s * static_cast<double>(result.vantage_points))},
       {"vp_busiest", per(static_cast<double>(result.busiest_packets) *
                              static_cast<double>(result.vantage_points),
                          packets)},
       {"simulated_s", result.simulated_s},
       {"latency_histogram", histogram(result.latency)},
       {"parts", parts(result)},
       {"machine", machine(result)}});
  if (config.tells_each) json["each"] = each(result);
  return json.dump();
}

}  // namespace backsight::evaluation
