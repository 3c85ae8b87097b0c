// backsight-controller: reverse traceroutes from anyone to the sources.
#include <fmt/format.h>

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "config/keys/api_keys.h"
#include "config/lists/deny_list.h"
#include "config/reading/config_file.h"
#include "controller/api/api.h"
#include "controller/api/api_server.h"
#include "controller/archive/archive.h"
#include "controller/archive/layout.h"
#include "controller/journal/id_source.h"
#include "controller/journal/request_book.h"
#include "controller/metrics/controller_metrics.h"
#include "controller/service/controller.h"
#include "controller/service/data_watch.h"
#include "controller/service/files.h"
#include "daemon/log.h"
#include "daemon/service_notice.h"
#include "daemon/wall_clock.h"
#include "storage/file_system.h"
#include "tasks/lines/stream.h"

namespace {

using backsight::Error;
using backsight::unix_us;
using backsight::controller::Archive;
using backsight::controller::Controller;
using backsight::controller::IdSource;
using backsight::controller::RequestBook;
namespace config = backsight::config;
namespace controller = backsight::controller;
namespace shown = backsight::daemon;

struct Options {
  std::string config_file;
  std::vector<std::string> overrides;
  bool checks_config = false;
  bool prints_config = false;
  bool is_verbose = false;
};

constexpr const char* kExamples = R"(
Examples:
  backsight-controller --config controller.yaml
      measure and serve the API, until SIGTERM
  backsight-controller --config controller.yaml --check-config
      say all that is wrong with the config and the files that it names
  backsight-controller --config controller.yaml --set listen=127.0.0.1:9000

Signals: SIGTERM and SIGINT write what is left and exit; SIGHUP reads API keys, deny list and files of
data again; lists and data that were replaced or rewritten are taken up without it, too.
Exit codes: 0 done, 1 failed while running, 2 bad usage or bad config.)";

Controller* running = nullptr;
std::atomic<bool> wants_reload = false;

void on_signal(int number) {
  if (number == SIGHUP) {
    wants_reload = true;
  } else if (running != nullptr) {
    running->stop();
  }
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigfillset(&action.sa_mask);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaction(number, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int fail(const Error& error) {
  shown::tell(error.sentence, spdlog::level::err);
  return error.exit_code();
}

int print(std::string_view text) {
  const auto printed = backsight::tasks::print(text);
  return printed ? 0 : fail(printed.error());
}

// Several faults, each a line; the gravest decides the exit code.
int fail(const std::vector<Error>& faults) {
  int code = 0;
  for (const Error& it : faults) code = std::max(code, fail(it));
  return code;
}

void add_options(CLI::App& app, Options& options) {
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("backsight-controller ") + BACKSIGHT_VERSION);
  app.add_option("--config", options.config_file, "controller.yaml")->required();
  app.add_option("--set", options.overrides, "key=value; overrides the config, as often as wanted")
      ->allow_extra_args(false);
  app.add_flag("--check-config", options.checks_config, "check the config and exit");
  app.add_flag("--print-config", options.prints_config, "print the effective config and exit");
  app.add_flag("--verbose", options.is_verbose, "tell more on standard error");
}

void notify_figures(const Controller& it) {
  const auto figures = it.figures();
  shown::notify_state(fmt::format("{} reverse traceroutes under way, {} ended", figures.under_way,
                                  figures.brain.reached),
                      it.since_last_turn() < std::chrono::seconds(5));
}

void log_not_reloaded(const Error& error) {
  std::istringstream faults(error.sentence);
  for (std::string fault; std::getline(faults, fault);) spdlog::error("not reloaded: {}", fault);
}

// A fault leaves all as it was; so do the two below.
void reload_keys(const config::ControllerConfig& settings, controller::Api& api) {
  if (settings.keys_file.empty()) {
    spdlog::info("reloaded: there are no API keys to read");
  } else if (auto keys = config::load_api_keys(settings.keys_file)) {
    spdlog::info("reloaded: {} API keys", keys->size());
    api.set_keys(std::make_shared<config::ApiKeys>(std::move(*keys)));
  } else {
    log_not_reloaded(keys.error());
  }
}

void reload_deny_list(const config::ControllerConfig& settings, Controller& it) {
  if (settings.deny_file.empty()) return;
  if (auto denied = config::load_deny_list(settings.deny_file)) {
    spdlog::info("reloaded: {} ranges are denied", denied->range_count());
    it.deny(std::move(*denied));
  } else {
    log_not_reloaded(config::as_error(denied.error()));
  }
}

// SIGHUP.
void reload(const config::ControllerConfig& settings, controller::Api& api, Controller& it) {
  shown::notify_reloading();
  reload_keys(settings, api);
  reload_deny_list(settings, it);
  shown::notify_ready();
}

int serve(const config::ControllerConfig& settings, controller::DataLook look,
          controller::ReadFiles read) {
  auto& disk = backsight::storage::posix_file_system();
  const auto layout = controller::ArchiveLayout::of(settings.archive.string());
  if (!layout) return fail(layout.error());
  const std::string folder = std::filesystem::absolute(settings.state).string();
  controller::BookOptions booking;
  booking.keep = settings.keep_results;
  booking.keep_bytes = settings.keep_results_mib << 20;
  booking.now_us = unix_us;
  booking.journal.tell = [](const std::string& sentence, bool is_fault) {
    is_fault ? spdlog::error("{}", sentence) : spdlog::info("{}", sentence);
  };
  auto opened = RequestBook::open(disk, {layout->journal_directory(), folder}, booking);
  if (!opened) return fail(opened.error());
  RequestBook& book = *opened->book;
  for (const std::string& it : opened->complaints) spdlog::warn("{}", it);
  auto probe_ids = IdSource::open(disk, folder, "probes");
  if (!probe_ids) return fail(probe_ids.error());

  controller::ArchiveOptions archiving;
  archiving.directory = layout->root();
  archiving.archiver = {BACKSIGHT_VERSION, BACKSIGHT_COMMIT};
  archiving.tell = [](const std::string& sentence) { spdlog::warn("{}", sentence); };
  archiving.show = [&book](auto ended) { book.show(ended); };
  auto archive = Archive::open(archiving, read.files.data.annotation(), book.journal());
  if (!archive) return fail(archive.error());

  Controller it(settings, read.files, book, **archive, std::move(*probe_ids),
                controller::queue_opener(settings));
  if (!opened->unfinished.empty()) {
    spdlog::info("{} reverse traceroutes were under way when it stopped; they are measured now",
                 opened->unfinished.size());
    it.resume(opened->unfinished, opened->cancelled);
  }
  controller::Api::Options serving;
  serving.max_batch = settings.limits.max_batch;
  serving.now_us = unix_us;
  std::shared_ptr<const config::ApiKeys> keys;
  if (read.files.keys) keys = std::make_shared<config::ApiKeys>(std::move(*read.files.keys));
  controller::Api api(it, serving, std::move(keys));
  const auto server = controller::ApiServer::start(settings.listen, api);
  if (!server) return fail(server.error());
  const controller::Watched watched{.controller = it,
                                    .book = book,
                                    .archive = **archive,
                                    .api = **server,
                                    .version = BACKSIGHT_VERSION,
                                    .started_unix_seconds = unix_us() / 1'000'000};
  std::unique_ptr<controller::ControllerPages> pages;
  if (!settings.metrics_listen.empty()) {
    auto started = controller::ControllerPages::start(settings.metrics_listen, watched);
    if (!started) return fail(started.error());
    pages = std::move(*started);
  }
  // Of one thread, that of the watch.
  const auto take = [&, annotation =
                            read.files.data.annotation()](controller::DataFiles files) mutable {
    if (files.prefixes) annotation.prefixes = files.prefixes;
    if (files.locations) annotation.locations = files.locations;
    (*archive)->set_annotation(annotation);
    it.replace(std::move(files));
  };
  controller::DataWatch data(std::move(look), {settings.deny_file, settings.keys_file},
                             {.take = take, .settings_changed = [] { wants_reload = true; }});
  running = &it;
  catch_signals();
  const auto on_second = [&] {
    if (wants_reload.exchange(false)) {
      reload(settings, api, it);
      data.read_now();
    }
    notify_figures(it);
  };
  shown::notify_ready();
  it.run(on_second);
  shown::notify_stopping("writing what is left");
  running = nullptr;
  if (const auto closed = (*archive)->close(); !closed) return fail(closed.error());
  return 0;
}

int run(const Options& options) {
  const auto loaded =
      config::load_config<config::ControllerConfig>(options.config_file, options.overrides);
  if (!loaded) return fail(config::as_error(loaded.error()));
  shown::style_log(loaded->log_format);
  if (options.prints_config) return print(config::print_config(*loaded));
  controller::DataLook look(*loaded);
  auto read = controller::read_files(*loaded, look.read());
  for (const std::string& it : read.served) spdlog::info("{}", it);
  for (const std::string& it : read.complaints) spdlog::warn("{}", it);
  if (!read.faults.empty()) return fail(read.faults);
  if (options.checks_config) return print(fmt::format("{}: no fault found\n", options.config_file));
  return serve(*loaded, std::move(look), std::move(read));
}

}  // namespace

int main(int argc, char** argv) {
  backsight::tasks::hold_standard_streams();
  CLI::App app(
      "The controller: decides what vantage points measure, assembles reverse paths, archives them "
      "and serves the API.",
      "backsight-controller");
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error) == 0 ? 0 : 2;
    return code == 0 && !std::cout.flush() ? 1 : code;
  }
  shown::set_up_log("backsight-controller", options.is_verbose);
  return run(options);
}
