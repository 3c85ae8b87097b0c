// backsight-sim: a simulated Internet behind DPDK ports, its truth and its calibration.
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "config/reading/config_file.h"
#include "config/sim/sim_config.h"
#include "daemon/wall_clock.h"
#include "engine/device/eal.h"
#include "sim/report/calibration.h"
#include "sim/serve/server.h"
#include "sim/truth/files.h"

namespace {

using backsight::Error;
using backsight::system_unix_ns;
namespace config = backsight::config;
namespace engine = backsight::engine;
namespace sim = backsight::sim;
namespace probes = backsight::probes;

struct Options {
  std::string config_file;
  std::vector<std::string> overrides;
  std::vector<std::string> truth;
  std::string write_folder;
  std::uint32_t hosts = 4000;
  bool reports = false;
  bool is_json = false;
  bool checks_config = false;
  bool prints_config = false;
};

constexpr const char* kExamples = R"(
Examples:
  backsight-sim --config sim.yaml
      answer the vantage points behind the ports that sim.yaml names, until SIGTERM
  backsight-sim --config sim.yaml --write lists/
      write prefixes, aliases, hosts and vantage points for other tools
  backsight-sim --config sim.yaml --truth 16.0.0.10 16.0.150.77
      print the routers from one address to another, as they are now
  backsight-sim --config sim.yaml --report
      compare the simulation with what is published of the Internet

Exit codes: 0 done, 1 failed while running or a figure of the report does not fit, 2 bad usage or bad
config.)";

std::atomic<bool> stop{false};

int fail(const Error& error) {
  fmt::print(stderr, "backsight-sim: {}\n", error.sentence);
  return error.exit_code();
}

void add_options(CLI::App& app, Options& options) {
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("backsight-sim ") + BACKSIGHT_VERSION);
  app.add_option("--config", options.config_file, "sim.yaml")->required();
  app.add_option("--set", options.overrides, "key=value; overrides the config, as often as wanted")
      ->allow_extra_args(false);
  app.add_flag("--report", options.reports, "print how the simulation compares, and exit");
  app.add_option("--hosts", options.hosts, "with --report: so many hosts are asked")
      ->check(CLI::Range(100, 1'000'000));
  app.add_option("--truth", options.truth, "SRC DST: print the path between them, and exit")
      ->expected(2);
  app.add_option("--write", options.write_folder, "write lists into this folder, and exit");
  app.add_flag("--json", options.is_json, "print JSON");
  app.add_flag("--check-config", options.checks_config, "check the config and exit");
  app.add_flag("--print-config", options.prints_config, "print the effective config and exit");
}

int report(sim::World& world, const Options& options) {
  const bool is_terminal = isatty(STDERR_FILENO) != 0;
  const auto progress = [is_terminal](double share) {
    if (is_terminal) fmt::print(stderr, "\rasking hosts: {:3.0f}%", 100 * share);
  };
  const auto figures = sim::calibrate(world, options.hosts, progress);
  if (is_terminal) fmt::print(stderr, "\r                   \r");
  fmt::print("{}", options.is_json ? sim::calibration_json(world, figures)
                                   : sim::calibration_table(world, figures));
  const bool fits = std::all_of(figures.begin(), figures.end(), [](const sim::Figure& figure) {
    return !figure.is_held || figure.fits();
  });
  return fits ? 0 : 1;
}

int print_truth(sim::World& world, const Options& options) {
  std::vector<probes::Ipv4Addr> ends;
  for (const std::string& text : options.truth) {
    const auto address = probes::parse_ipv4(text);
    if (!address) {
      return fail({backsight::ErrorCode::kBadUsage,
                   fmt::format("--truth: \"{}\" is no IPv4 address; write two, such as {}", text,
                               to_string(world.vantage_points().front().address))});
    }
    ends.push_back(*address);
  }
  const sim::Path path = world.path(ends[0], ends[1], system_unix_ns());
  if (!path.exists) {
    return fail(
        {backsight::ErrorCode::kRunFailed,
         fmt::format("there is no way from {} to {}: one of them is not routed; --write lists "
                     "what is",
                     options.truth[0], options.truth[1])});
  }
  fmt::print("{}",
             options.is_json ? sim::path_json(ends[0], ends[1], path) : sim::path_table(path));
  return 0;
}

void print_counts(const sim::Server& server, const sim::World& world, bool is_json) {
  std::string text;
  const auto row = [&](std::string_view name, std::uint64_t value) {
    if (is_json) {
      text += fmt::format("{}\"{}\":{}", text.empty() ? "{" : ",", name, value);
    } else if (value != 0) {
      text += fmt::format("{:<18} {:>14}\n", name, value);
    }
  };
  for (std::size_t i = 0; i < server.counts().size(); ++i) {
    row(sim::name(static_cast<sim::Count>(i)), server.counts()[i]);
  }
  row("waiting", server.waiting());
  for (std::size_t i = 0; i < world.fates().size(); ++i) {
    row(fmt::format("fate_{}", sim::name(static_cast<sim::Fate>(i))), world.fates()[i]);
  }
  if (is_json) {
    fmt::print("{}}}\n", text);
  } else {
    fmt::print(stderr, "{}", text);
  }
}

int run_server(void* server) {
  static_cast<sim::Server*>(server)->run(stop);
  return 0;
}

int serve(const config::SimConfig& sim_config, sim::World& world, bool is_json) {
  engine::EalUser user{.name = "sim", .devices = {}, .workers_key = "engine.worker"};
  for (const config::SimPortConfig& port : sim_config.ports) user.devices.push_back(port.device);
  const auto plan = engine::plan_eal(sim_config.engine, user);
  if (!plan) return fail(plan.error());
  const auto eal = engine::Eal::start(*plan);
  if (!eal) return fail(eal.error());
  engine::TscClock clock(engine::measure_tsc_hz());
  clock.set_unix_offset({rte_get_tsc_cycles()}, system_unix_ns());
  const auto server = sim::Server::open(sim_config, world, clock);
  if (!server) return fail(server.error());
  for (const int number : {SIGTERM, SIGINT}) {
    std::signal(number, [](int) { stop = true; });
  }
  if (rte_eal_remote_launch(run_server, server->get(), engine::lcore_of_worker(0)) != 0) {
    return fail({backsight::ErrorCode::kRunFailed, "the worker's core did not start"});
  }
  fmt::print(stderr, "backsight-sim: {} vantage points behind {} ports\n",
             world.vantage_points().size(), sim_config.ports.size());
  rte_eal_mp_wait_lcore();
  print_counts(**server, world, is_json);
  return 0;
}

int run(const Options& options) {
  const auto loaded =
      config::load_config<config::SimConfig>(options.config_file, options.overrides);
  if (!loaded) return fail(config::as_error(loaded.error()));
  if (options.prints_config) {
    fmt::print("{}", config::print_config(*loaded));
    return 0;
  }
  if (options.checks_config) {
    fmt::print("{}: no fault found\n", options.config_file);
    return 0;
  }
  const auto began = std::chrono::steady_clock::now();
  const auto world = sim::World::make(loaded->world);
  if (!world) return fail(world.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const sim::Internet& internet = (*world)->internet();
  fmt::print(stderr, "backsight-sim: {} ASes, {} routers, {} prefixes in {:.2f} s\n",
             internet.ases.size(), internet.group_of_router.size(), internet.prefixes.size(),
             took.count());
  if (options.reports) return report(**world, options);
  if (!options.truth.empty()) return print_truth(**world, options);
  if (!options.write_folder.empty()) {
    const auto written = sim::write_lists(**world, options.write_folder);
    return written ? 0 : fail(written.error());
  }
  if (loaded->ports.empty()) {
    return fail({backsight::ErrorCode::kBadUsage,
                 fmt::format("{}: ports: is missing; write a list of ports, such as \"- device: "
                             "net_af_packet0,iface=eth1\", or ask for --report, --truth or --write",
                             options.config_file)});
  }
  return serve(*loaded, **world, options.is_json);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A simulated Internet whose truth is known: answers the packets of vantage points.",
               "backsight-sim");
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(options);
}
