// backsight-vp: a vantage point on a DPDK port.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "config/keys/fleet_key.h"
#include "config/lists/deny_list.h"
#include "config/lists/enrolment.h"
#include "config/reading/config_file.h"
#include "daemon/log.h"
#include "engine/control/capture_server.h"
#include "engine/control/dry_run.h"
#include "engine/control/health_server.h"
#include "engine/control/metrics.h"
#include "engine/control/progress.h"
#include "engine/control/queue_watch.h"
#include "engine/control/reload.h"
#include "engine/control/result_sink.h"
#include "engine/control/service_manager.h"
#include "engine/control/snapshot.h"
#include "engine/control/status.h"
#include "engine/control/task_source.h"
#include "engine/control/telemetry.h"
#include "engine/control/vantage_point.h"
#include "queue/vp_queue.h"
#include "tasks/lines/stream.h"

namespace {

using backsight::Error;
using backsight::Expected;
using backsight::engine::RunOptions;
using backsight::engine::RunSummary;
using backsight::engine::VantagePoint;
namespace config = backsight::config;
namespace daemon = backsight::daemon;
namespace engine = backsight::engine;

struct Options {
  std::string config_file;
  std::vector<std::string> overrides;
  std::string tasks_file;
  std::string results_file = "-";
  std::string dry_run_file;
  std::uint64_t skipped_lines = 0;
  std::uint64_t linger_ms = 0;
  bool checks_config = false;
  bool prints_config = false;
  bool is_verbose = false;
};

constexpr const char* kExamples = R"(
Examples:
  backsight-vp --config vp.yaml
      serve the queue that vp.yaml names, until SIGTERM
  backsight-vp --config vp.yaml --tasks tasks.jsonl --results results.jsonl
      run these tasks and exit; "-" reads standard input, writes standard output
  backsight-vp --config vp.yaml --tasks tasks.jsonl --dry-run probes.pcap
      write the probes to a capture file instead of the network
  echo '{"id":1,"kind":"rr","dst":"198.51.100.7"}' | backsight-vp --config vp.yaml --tasks -
  backsight-vp --config vp.yaml --tasks tasks.jsonl --results results.jsonl --skip 5000
      go on behind line 5000, where a run was stopped

Signals: SIGTERM and SIGINT finish what is in flight and exit, twice exit at once; SIGHUP reloads
rates, deny list and enrolment; SIGUSR1 stops all sending within 100 ms, SIGUSR2 lifts that.
A run of --tasks that is stopped says which line it has come to, for --skip.
Exit codes: 0 done, 1 failed while running or stopped before the end of the tasks, 2 bad usage, bad
config or bad task lines.)";

engine::Signals signals;

void on_signal(int number) {
  switch (number) {
    case SIGHUP:
      signals.reload = true;
      break;
    case SIGUSR1:
      signals.silence = true;
      break;
    case SIGUSR2:
      signals.silence = false;
      break;
    default:
      ++signals.stops;
  }
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  // One at a time: of two that come together the later one holds.
  sigfillset(&action.sa_mask);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    sigaction(number, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

int fail(const Error& error) {
  daemon::tell(error.sentence, spdlog::level::err);
  return error.exit_code();
}

int print(std::string_view text) {
  const auto printed = backsight::tasks::print(text);
  return printed ? 0 : fail(printed.error());
}

bool writes_to_terminal() { return isatty(STDERR_FILENO) != 0; }

void add_options(CLI::App& app, Options& options) {
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("backsight-vp ") + BACKSIGHT_VERSION);
  app.add_option("--config", options.config_file, "vp.yaml")->required();
  app.add_option("--set", options.overrides, "key=value; overrides the config, as often as wanted")
      ->allow_extra_args(false);
  app.add_option("--tasks", options.tasks_file, "run the tasks of this file (\"-\": stdin), exit");
  app.add_option("--results", options.results_file,
                 "with --tasks: write results to this file (\"-\": stdout, the default)");
  app.add_option("--skip", options.skipped_lines,
                 "with --tasks: pass over so many lines, and keep what the results file holds")
      ->type_name("N");
  app.add_option("--linger-ms", options.linger_ms,
                 "with --tasks: stay so long after the last task ended, to observe");
  app.add_option("--dry-run", options.dry_run_file,
                 "with --tasks: write the probes to this pcap file, send nothing");
  app.add_flag("--check-config", options.checks_config, "check the config and exit");
  app.add_flag("--print-config", options.prints_config, "print the effective config and exit");
  app.add_flag("--verbose", options.is_verbose, "tell more on standard error");
}

// REQUIRES: it was stopped before its end.
std::string sentence_of_stop(const RunSummary& summary) {
  std::string text = fmt::format("stopped at line {0}: go on with --skip {0}", *summary.stopped_at);
  if (summary.unprobed != 0) {
    text += fmt::format("; {} tasks before it were not probed, their reason is \"stopped\"",
                        summary.unprobed);
  }
  if (summary.unanswered != 0) {
    text += fmt::format("; {} tasks that were under way have no result", summary.unanswered);
  }
  return text;
}

int conclude(const Expected<RunSummary>& summary) {
  if (!summary) return fail(summary.error());
  if (summary->stopped_at) return 1;
  if (summary->unreadable != 0 || summary->duplicates != 0) return 2;
  return summary->unanswered != 0 ? 1 : 0;
}

Expected<config::VpConfig> load(const Options& options) {
  auto loaded = config::load_config<config::VpConfig>(options.config_file, options.overrides);
  if (!loaded) return tl::unexpected(config::as_error(loaded.error()));
  return std::move(*loaded);
}

// SIGHUP.
void reload(VantagePoint& vp, const Options& options) {
  auto fresh = load(options);
  if (fresh && !options.dry_run_file.empty()) engine::make_dry(*fresh, options.dry_run_file);
  const config::VpConfig running = vp.config();
  const auto reloaded = vp.reload(fresh);
  if (reloaded) {
    spdlog::info("reloaded: {}", engine::describe_reload(running, *fresh, *reloaded));
    return;
  }
  std::istringstream faults(reloaded.error().sentence);
  for (std::string fault; std::getline(faults, fault);) spdlog::error("not reloaded: {}", fault);
}

int run_tasks(VantagePoint& vp, const Options& options, engine::TaskSource& tasks,
              engine::ResultSink& results) {
  using engine::Progress;
  const RunOptions run{.is_once = true,
                       .linger = std::chrono::milliseconds(options.linger_ms),
                       .keeps_ids = true,
                       .skipped = options.skipped_lines};
  engine::WithoutWaiting dry(tasks);
  const bool is_dry = !options.dry_run_file.empty();
  vp.on_reload = [&] { reload(vp, options); };
  Progress progress(vp, options.tasks_file, options.skipped_lines,
                    writes_to_terminal() ? Progress::Form::kLine : Progress::Form::kLog);
  const auto summary = vp.run(is_dry ? dry : tasks, results, run);
  progress.stop();
  if (summary) daemon::tell(progress.summary(*summary));
  if (summary && summary->stopped_at) daemon::tell(sentence_of_stop(*summary));
  if (is_dry) {
    daemon::tell(fmt::format("{} probes written to {}",
                             engine::snapshot_of(vp).ports.front().statistics.transmitted,
                             options.dry_run_file));
  }
  return conclude(summary);
}

int run_queue(VantagePoint& vp, const Options& options, backsight::queue::VpQueue& queue,
              engine::VantagePointMetrics& metrics) {
  const auto tasks = engine::tasks_of_queue(queue);
  const auto results = engine::results_of_queue(queue);
  engine::StatusReport status(BACKSIGHT_VERSION);
  engine::QueueWatch watch(vp, metrics);
  engine::ServiceManager manager;
  bool is_told = true;
  const auto announce = [&] {
    const engine::QueueFigures figures = watch.look(queue);
    const engine::Snapshot now = engine::snapshot_of(vp);
    const auto told = queue.announce(status.json(now, figures));
    if (!told && is_told) spdlog::warn("{}; the status is not told", told.error().sentence);
    is_told = told.has_value();
    manager.notify(now, figures.spool.bytes);
  };
  announce();
  vp.on_second = announce;
  vp.on_reload = [&] {
    manager.reloading();
    reload(vp, options);
    manager.ready();
  };
  manager.ready();
  const auto summary = vp.run(*tasks, *results, {});
  manager.stopping();
  announce();
  vp.on_second = nullptr;
  vp.on_reload = nullptr;
  if (!summary) return fail(summary.error());
  return 0;
}

backsight::queue::QueueAddress address_of(const config::VpQueueConfig& queue) {
  backsight::queue::QueueAddress address(queue);
  // Everything that is kept stands under an absolute path, whatever the config's folder is called.
  address.spool = std::filesystem::absolute(queue.spool);
  address.spool_limit_bytes = queue.spool_limit_mib << 20;
  return address;
}

// With --tasks it is no fault not to be watched: several runs may share a machine, and a network
// namespace may have no loopback.
Expected<std::unique_ptr<engine::HealthServer>> listen(const VantagePoint& vp,
                                                       const engine::VantagePointMetrics& metrics,
                                                       bool is_once) {
  const config::VpConfig& vp_config = vp.config();
  const bool is_asked_for = !is_once || !vp_config.metrics_listen_is_default;
  if (vp_config.metrics_listen.empty() || !is_asked_for) return nullptr;
  auto server = engine::HealthServer::start(vp_config.metrics_listen, vp, metrics);
  if (server || !is_once) return server;
  spdlog::warn("{}", server.error().sentence);
  return nullptr;
}

int serve(const Options& options, const config::VpConfig& vp_config) {
  const bool is_once = !options.tasks_file.empty();
  std::unique_ptr<engine::TaskSource> tasks;
  std::unique_ptr<engine::ResultSink> results;
  std::unique_ptr<backsight::queue::VpQueue> queue;
  if (is_once) {
    auto opened = engine::open_task_lines(options.tasks_file, options.skipped_lines);
    if (!opened) return fail(opened.error());
    tasks = std::move(*opened);
  } else {
    auto opened =
        backsight::queue::open_vp_queue(address_of(vp_config.queue), vp_config.name, vp_config.id);
    if (!opened) return fail(opened.error());
    queue = std::move(*opened);
  }
  catch_signals();
  const auto vp = VantagePoint::start(vp_config, signals);
  if (!vp) return fail(vp.error());
  const engine::Telemetry telemetry(**vp);
  engine::VantagePointMetrics metrics(**vp, BACKSIGHT_VERSION);
  const auto health = listen(**vp, metrics, is_once);
  if (!health) return fail(health.error());
  const auto captures = engine::CaptureServer::start(**vp, BACKSIGHT_VERSION);
  if (!captures) return fail(captures.error());
  if (!is_once) return run_queue(**vp, options, *queue, metrics);
  auto opened =
      engine::open_result_lines(options.results_file, vp_config.name, options.skipped_lines != 0);
  if (!opened) return fail(opened.error());
  results = std::move(*opened);
  return run_tasks(**vp, options, *tasks, *results);
}

// Of the files that the config names, all faults at once.
int check_files(const Options& options, const config::VpConfig& vp_config) {
  int code = 0;
  const auto tell = [&code](const Error& error) { code = fail(error); };
  if (auto key = config::load_fleet_key(vp_config.key_file); !key) tell(key.error());
  if (auto deny = config::load_deny_list(vp_config.deny_file); !deny) {
    tell(config::as_error(deny.error()));
  }
  if (auto enrolled = config::load_enrolment(vp_config.enrolled_file); !enrolled) {
    tell(config::as_error(enrolled.error()));
  }
  if (code != 0) return code;
  return print(fmt::format("{}: no fault found\n", options.config_file));
}

int run(const Options& options) {
  auto loaded = load(options);
  if (!loaded) return fail(loaded.error());
  config::VpConfig& vp_config = *loaded;
  daemon::style_log(vp_config.log_format, vp_config.name);
  if (options.prints_config) return print(config::print_config(vp_config));
  if (options.checks_config) return check_files(options, vp_config);
  if (options.tasks_file.empty() && !options.dry_run_file.empty()) {
    return fail({backsight::ErrorCode::kBadUsage, "--dry-run needs --tasks, what to write"});
  }
  if (options.tasks_file.empty() && options.skipped_lines != 0) {
    return fail({backsight::ErrorCode::kBadUsage, "--skip needs --tasks, whose lines to skip"});
  }
  if (options.tasks_file.empty() && vp_config.queue.url.empty()) {
    return fail({backsight::ErrorCode::kBadUsage,
                 "nothing to do: name a queue in the config (queue.url) or give --tasks"});
  }
  if (!options.dry_run_file.empty()) engine::make_dry(vp_config, options.dry_run_file);
  return serve(options, vp_config);
}

}  // namespace

int main(int argc, char** argv) {
  backsight::tasks::hold_standard_streams();
  CLI::App app(
      "A vantage point: sends Record Route, timestamp, ping and traceroute probes from a "
      "DPDK port and matches what comes back.",
      "backsight-vp");
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error) == 0 ? 0 : 2;
    return code == 0 && !std::cout.flush() ? 1 : code;
  }
  daemon::set_up_log("backsight-vp", options.is_verbose);
  return run(options);
}
