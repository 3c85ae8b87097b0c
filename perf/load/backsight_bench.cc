// backsight-bench: one figure of the engine each run.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "perf/load/benches.h"

namespace {

using namespace backsight;

struct Bench {
  const char* name;
  const char* help;
  Expected<perf::Figures> (*run)(const perf::Options&);
};

constexpr Bench kBenches[] = {
    {"tx", "craft, tag, track and send record route probes on net_null", perf::bench_tx},
    {"loop", "send, reflect, verify, match, time and export over rings", perf::bench_loop},
    {"match", "find and end probes with 1, 16 and 64 million in flight", perf::bench_match},
    {"trace", "complete traceroutes of twelve hops over rings", perf::bench_trace},
    {"pace", "rates from 10 pps to 5 Mpps as the port sees them", perf::bench_pace},
    {"flood", "honest probes beside forged replies at full rate", perf::bench_flood},
    {"guard", "tasks that may not leave, every frame looked at", perf::bench_guard},
    {"kill", "from the kill switch to the last frame", perf::bench_kill},
    {"export", "results from a worker's reports to the synced log", perf::bench_export},
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("One figure of the engine each run.\n", "backsight-bench");
  app.require_subcommand(1);
  perf::Options options;
  bool as_json = false;
  const Bench* chosen = nullptr;
  for (const Bench& bench : kBenches) {
    CLI::App* sub = app.add_subcommand(bench.name, bench.help);
    sub->add_option("--seconds", options.seconds, "how long to measure")->capture_default_str();
    sub->add_option("--worker-core", options.worker_core)->capture_default_str();
    sub->add_option("--control-core", options.control_core)->capture_default_str();
    sub->add_option("--slots", options.slots, "in-flight slots, a power of two");
    sub->add_option("--timeout-ms", options.timeout_ms, "of each probe");
    sub->add_flag("--hugepages", options.use_hugepages, "tables and buffers on huge pages");
    sub->add_flag("--json", as_json, "one JSON object");
    if (std::string_view(bench.name) == "loop") {
      sub->add_flag("--faults", options.has_faults,
                    "the network loses 1%, doubles 1%, delays 0.1% and reorders 1% of the replies");
    }
    if (std::string_view(bench.name) == "flood") {
      sub->add_option("--forged", options.forged, "go on until so many were sent");
    }
    if (std::string_view(bench.name) == "guard") {
      sub->add_option("--frames", options.frames, "go on until so many have left");
    }
    sub->callback([&chosen, &bench] { chosen = &bench; });
  }
  std::string filter;
  CLI::App* micro =
      app.add_subcommand("micro", "craft, parse, checksum, tag, claim one by one, in nanoseconds");
  micro->add_option("--filter", filter, "a regular expression of names");
  micro->add_flag("--json", as_json, "one JSON object");
  app.footer(
      "Each prints what it measured and which laws hold; it ends with 1 if a law is broken.\n\n"
      "Examples:\n"
      "  backsight-bench tx --hugepages\n"
      "  backsight-bench loop --faults --seconds 60 --json\n"
      "  backsight-bench micro --filter craft");
  CLI11_PARSE(app, argc, argv);
  if (micro->parsed()) return perf::run_micro(filter, as_json);
  const auto figures = chosen->run(options);
  if (!figures) {
    fmt::print(stderr, "backsight-bench: {}\n", figures.error().sentence);
    return 2;
  }
  fmt::print("{}\n", as_json ? figures->json() : figures->table());
  return figures->all_hold() ? 0 : 1;
}
