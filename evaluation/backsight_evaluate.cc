// backsight-evaluate: reverse traceroutes through a simulated Internet, scored against its truth;
// or tasks through one of its vantage points.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "config/reading/config_file.h"
#include "config/sim/sim_config.h"
#include "evaluation/evaluation.h"
#include "evaluation/task_run.h"
#include "tasks/json/json.h"
#include "tasks/lines/line_reader.h"
#include "tasks/lines/stream.h"

namespace {

using backsight::Expected;

int fail(const backsight::Error& error) {
  std::fprintf(stderr, "backsight-evaluate: %s\n", error.sentence.c_str());
  return error.exit_code();
}

// All faults of the file at once.
Expected<std::vector<backsight::tasks::Task>> read_tasks(const std::string& file) {
  using Got = backsight::tasks::LineReader::Got;
  const int descriptor = file == "-" ? STDIN_FILENO : open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return backsight::bad_usage("--tasks: " + file + " cannot be read");
  backsight::tasks::LineReader lines(descriptor, file);
  std::vector<backsight::tasks::Task> tasks;
  std::string faults;
  const auto add_fault = [&](const std::string& sentence) {
    faults += (faults.empty() ? "" : "\n") + file + ":" + std::to_string(lines.number()) + ": " +
              sentence;
  };
  while (true) {
    std::string_view line;
    const auto got = lines.next(line);
    if (!got) return tl::unexpected(got.error());
    if (*got == Got::kEnd) break;
    if (*got == Got::kNothingYet) {
      backsight::tasks::wait_readable(descriptor, std::chrono::milliseconds(-1));
    } else if (*got == Got::kTooLong) {
      add_fault(backsight::tasks::LineReader::too_long());
    } else if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      const auto task = backsight::tasks::parse_task_line(line);
      task ? tasks.push_back(*task) : add_fault(task.error().sentence);
    }
  }
  if (!faults.empty()) return backsight::bad_usage(faults);
  return tasks;
}

Expected<void> run_tasks(const backsight::evaluation::EvaluationConfig& config,
                         const std::string& file, unsigned number) {
  const auto tasks = read_tasks(file);
  if (!tasks) return tl::unexpected(tasks.error());
  const auto world = backsight::sim::World::make(config.world);
  if (!world) return tl::unexpected(world.error());
  const std::size_t vps = (*world)->vantage_points().size();
  if (number > vps) {
    return backsight::bad_usage("--vp " + std::to_string(number) + ": there are " +
                                std::to_string(vps));
  }
  backsight::config::RatesConfig rates;
  rates.total_pps = config.vp_pps;
  std::string lines;
  const auto done = backsight::evaluation::run_tasks(
      **world, number - 1, rates, *tasks, [&lines](std::size_t vp, const auto& results) {
        backsight::tasks::append_json(lines, results, "vp" + std::to_string(vp + 1));
      });
  return done ? backsight::tasks::print(lines) : done;
}

}  // namespace

int main(int argc, char** argv) {
  backsight::evaluation::EvaluationConfig config;
  bool is_quiet = false;
  std::string sim_file;
  std::string task_file;
  unsigned vp = 1;
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
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--baseline", config.is_baseline, "Plan by reduced rules, to compare with");
  app.add_option("--archive", config.archive,
                 "Directory: keeps an archive there (docs/archive.md)");
  app.add_flag("--each", config.tells_each, "Also the scores of each path");
  app.add_option("--config", sim_file, "sim.yaml, for its Internet instead of --ases and the like");
  auto* const tasks =
      app.add_option("--tasks", task_file,
                     "Runs these task lines (\"-\": standard input) instead; prints results");
  app.add_option("--vp", vp, "With --tasks: through this vantage point, from 1")
      ->check(CLI::PositiveNumber)
      ->needs(tasks);
  app.add_flag("--quiet", is_quiet, "No progress on standard error");
  app.footer(
      "Examples:\n  backsight-evaluate --ases 2000 --requests 500\n"
      "  backsight-evaluate --requests 5000 --baseline\n"
      "  backsight-evaluate --config sim.yaml --vp 2 --tasks tasks.jsonl\n"
      "scripts/evaluate makes several runs, and the page of them.");
  CLI11_PARSE(app, argc, argv);
  if (!sim_file.empty()) {
    const auto loaded = backsight::config::load_config<backsight::config::SimConfig>(sim_file);
    if (!loaded) return fail(backsight::config::as_error(loaded.error()));
    config.world = loaded->world;
  }
  if (!task_file.empty()) {
    const auto done = run_tasks(config, task_file, vp);
    return done ? 0 : fail(done.error());
  }
  const auto tell = [&](const std::string& sentence) {
    if (!is_quiet) std::fprintf(stderr, "evaluate: %s\n", sentence.c_str());
  };
  const auto result = backsight::evaluation::evaluate(config, tell);
  if (!result) return fail(result.error());
  std::puts(backsight::evaluation::to_json(config, *result).c_str());
  return 0;
}
