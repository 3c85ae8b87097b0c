// backsight-evaluate: reverse traceroutes through a simulated Internet, scored against its truth.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "evaluation/evaluation.h"

int main(int argc, char** argv) {
  backsight::evaluation::EvaluationConfig config;
  bool is_quiet = false;
  CLI::App app(
      "Measures reverse traceroutes in a simulated Internet and scores them; JSON on stdout");
  app.add_option("--ases", config.world.topology.ases, "ASes of the Internet")
      ->check(CLI::Range(1000, 80000))
      ->capture_default_str();
  app.add_option("--vantage-points", config.world.topology.vantage_points, "")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  app.add_option("--world-seed", config.world.seed, "Of the Internet")->capture_default_str();
  app.add_option("--seed", config.seed, "Of sources and destinations")->capture_default_str();
  app.add_option("--sources", config.sources, "Measured towards")->capture_default_str();
  app.add_option("--atlas-probes", config.atlas_probes, "Traceroutes to each source from elsewhere")
      ->capture_default_str();
  app.add_option("--requests", config.requests, "Reverse traceroutes")->capture_default_str();
  app.add_option("--rate", config.requests_per_second, "Of them a second, simulated")
      ->capture_default_str();
  app.add_option("--at-once", config.at_once,
                 "So many under way, the next as one ends; 0: at --rate")
      ->capture_default_str();
  app.add_option("--vp-pps", config.vp_pps, "Packets a second of each vantage point")
      ->capture_default_str();
  app.add_flag("--baseline", config.is_baseline, "Plan by reduced rules, to compare with");
  app.add_option("--archive", config.archive,
                 "Directory: keeps an archive there (docs/archive.md)");
  app.add_flag("--each", config.tells_each, "Also the scores of each path");
  app.add_flag("--quiet", is_quiet, "No progress on standard error");
  app.footer(
      "Examples:\n  backsight-evaluate --ases 2000 --requests 500\n"
      "  backsight-evaluate --requests 5000 --baseline\n"
      "scripts/evaluate makes several runs, and the page of them.");
  CLI11_PARSE(app, argc, argv);
  const auto tell = [&](const std::string& sentence) {
    if (!is_quiet) std::fprintf(stderr, "evaluate: %s\n", sentence.c_str());
  };
  const auto result = backsight::evaluation::evaluate(config, tell);
  if (!result) {
    std::fprintf(stderr, "backsight-evaluate: %s\n", result.error().sentence.c_str());
    return result.error().exit_code();
  }
  std::puts(backsight::evaluation::to_json(config, *result).c_str());
  return 0;
}
