// All options of `backsight`, and nothing else: docs/cli.md is made of what --help prints. The only
// file that knows the option parser.
#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "cli/capture_command.h"
#include "cli/output.h"
#include "cli/probe_command.h"
#include "cli/queue_commands.h"
#include "cli/revtr_command.h"
#include "cli/vp_commands.h"
#include "config/keys/fleet_key.h"
#include "probes/protocols.h"
#include "tasks/numbers.h"

namespace backsight::cli {

namespace {

constexpr const char* kDefaultQueue = "file:///var/lib/backsight";
constexpr const char* kCaptureSocket = "/run/backsight-vp/capture.sock";
constexpr const char* kExitCodes = "Exit codes: 0 done, 1 failed while running, 2 bad usage.";

// What the chosen subcommand does.
using Action = std::function<Expected<int>()>;

void add_broker_file(CLI::App& command, const char* name, std::string& target, const char* help,
                     const char* environment) {
  command.add_option(name, target, help)->envname(environment)->type_name("FILE");
}

void add_queue(CLI::App& command, queue::QueueAddress& target) {
  target.url = kDefaultQueue;
  command.add_option("--queue", target.url, "file:///DIRECTORY, nats://HOST:4222 or tls://...")
      ->envname("BACKSIGHT_QUEUE")
      ->type_name("URL")
      ->capture_default_str();
  add_broker_file(command, "--credentials", target.credentials,
                  "Who we are to a broker: .creds file or nkey seed", "BACKSIGHT_CREDENTIALS");
  add_broker_file(command, "--tls-ca", target.tls_ca, "Certificates that the broker's is signed by",
                  "BACKSIGHT_TLS_CA");
  add_broker_file(command, "--tls-cert", target.tls_cert, "Our certificate, with --tls-key",
                  "BACKSIGHT_TLS_CERT");
  add_broker_file(command, "--tls-key", target.tls_key, "Its key", "BACKSIGHT_TLS_KEY");
}

std::string examples(const std::string& lines) {
  return "Examples:\n" + lines + "\n\n" + kExitCodes;
}

// One of the words of some rows (probes/protocols.h), each for its value of an enumeration.
template <typename Enum, typename Rows, typename Row>
void add_choice(CLI::App& command, const char* name, Enum& target, const char* help,
                const Rows& rows, Enum Row::*value) {
  std::map<std::string, Enum> values;
  std::vector<std::string> words;
  for (const Row& row : rows) {
    values[words.emplace_back(row.word)] = row.*value;
  }
  command
      .add_option_function<std::string>(
          name, [&target, values](const std::string& chosen) { target = values.at(chosen); }, help)
      ->check(CLI::IsMember(words).description(""))
      ->type_name(CLI::detail::join(words, "|"))
      ->default_str(std::string(probes::name(target)));
}

template <typename Number>
void add_number(CLI::App& command, const std::string& name, Number& target, const char* help,
                unsigned least, unsigned most) {
  command.add_option(name, target, help)
      ->check(CLI::Range(least, most).description(""))
      ->type_name(std::to_string(least) + ".." + std::to_string(most))
      ->default_str(std::to_string(target));
}

// A number of a task, by its key; the option is named alike.
void add_task_number(CLI::App& command, std::string_view key, tasks::Task& task, const char* help) {
  std::string name = "--" + std::string(key);
  std::replace(name.begin(), name.end(), '_', '-');
  tasks::for_each_number([&](const tasks::Number& it, auto member) {
    if (it.key == key) add_number(command, name, task.*member, help, it.least, it.most);
  });
}

void add_revtr(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("revtr", "Reverse traceroute: the path from a host to a source of yours");
  command->footer(examples(
      "  backsight revtr 198.51.100.7 --from ams01\n"
      "  backsight revtr www.example.net --from ams01 --branches\n"
      "  backsight revtr 198.51.100.7 203.0.113.9 --from ams01 --json\n\n"
      "Hops stand from the host back to the source, each with how it was found. Exit code 1\n"
      "tells that a path does not reach."));
  auto options = std::make_shared<RevtrOptions>();
  command->add_option("DST", options->destinations, "Hosts: addresses or names")->required();
  command->add_option("--from", options->source, "The source: a vantage point's name or address")
      ->required()
      ->type_name("SOURCE");
  command->add_option("--controller", options->controller.url, "The controller's API")
      ->envname("BACKSIGHT_CONTROLLER")
      ->type_name("URL")
      ->capture_default_str();
  command->add_option("--key", options->controller.key, "Your key; none is needed on its machine")
      ->envname("BACKSIGHT_KEY")
      ->type_name("KEY");
  command->add_option("--label", options->label, "To ask for the results by")->type_name("TEXT");
  add_number(*command, "--max-age", options->max_age_minutes,
             "Minutes that what comes from caches may be old", 0, 30 * 24 * 60);
  command->add_flag_callback(
      "--no-cache", [options] { options->uses_cache = false; },
      "Measure anew what was measured before");
  command->add_flag("--branches", options->finds_branches,
                    "Show all ways that load balancers choose from");
  command->add_flag_callback(
      "--no-rtt", [options] { options->pings_hops = false; },
      "Do not measure each hop's round trip");
  command->add_flag_callback(
      "-n,--numeric", [options] { options->shows_names = false; }, "Addresses without names");
  command->add_flag("--json", options->json, "A JSON object a line, for programs");
  command->callback(
      [&action, options] { action = [options] { return reverse_traceroute(*options); }; });
}

void add_keygen(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("keygen", "Make a fleet key, readable by its owner alone");
  command->footer(examples("  backsight keygen fleet.key\n  backsight keygen --nkey ams01.nk"));
  auto file = std::make_shared<std::string>();
  auto is_nkey = std::make_shared<bool>(false);
  command->add_option("FILE", *file, "The file to write; an existing one is not overwritten")
      ->required();
  command->add_flag("--nkey", *is_nkey,
                    "A NATS user's seed instead; prints the public key for the server's config");
  command->callback([&action, file, is_nkey] {
    action = [file, is_nkey]() -> Expected<int> {
      if (*is_nkey) return make_nkey_file(*file);
      return config::make_fleet_key_file(*file).map([] { return 0; });
    };
  });
}

void add_queue_put(CLI::App& parent, Action& action) {
  auto* command = parent.add_subcommand(
      "put", "Queue tasks, one JSON object a line; returns when they are on the disk");
  command->footer(
      examples("  backsight queue put --vp ams01 tasks.jsonl\n"
               "  echo '{\"id\":17,\"kind\":\"rr\",\"dst\":\"198.51.100.7\"}' |"
               " backsight queue put --vp ams01"));
  auto options = std::make_shared<PutOptions>();
  add_queue(*command, options->queue);
  command->add_option("--vp", options->vp, "The vantage point")->required()->type_name("NAME");
  command->add_option("FILE", options->file, "Task lines; - is stdin")->capture_default_str();
  command->callback([&action, options] { action = [options] { return put_lines(*options); }; });
}

void add_queue_get(CLI::App& parent, Action& action) {
  auto* command = parent.add_subcommand(
      "get", "Write results and observations, one JSON object a line, each once");
  command->footer(
      examples("  backsight queue get > results.jsonl\n"
               "  backsight queue get --vp ams01 --idle-ms 60000"));
  auto options = std::make_shared<GetOptions>();
  add_queue(*command, options->queue);
  command->add_option("--vp", options->vp, "Of this vantage point only")->type_name("NAME");
  command->add_option("--idle-ms", options->idle_ms, "End after so many ms of silence")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--state", options->queue.state,
                   "Where it is kept what was got; with a broker only")
      ->envname("BACKSIGHT_STATE")
      ->type_name("FOLDER")
      ->capture_default_str();
  command->callback([&action, options] { action = [options] { return get_lines(*options); }; });
}

void add_queue_setup(CLI::App& parent, Action& action) {
  auto* command =
      parent.add_subcommand("setup", "Make on a broker what is missing; an administrator's, once");
  command->footer(
      examples("  backsight queue setup --queue nats://broker:4222 --replicas 3\n"
               "  backsight queue setup --queue tls://broker:4222 --credentials admin.nk"
               " --vp ams01 --vp fra02"));
  auto options = std::make_shared<SetupOptions>();
  add_queue(*command, options->queue);
  command->add_option("--vp", options->vps, "Vantage points that may not make their own consumers")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_number(*command, "--replicas", options->replicas, "Servers that keep each message", 1, 5);
  add_number(*command, "--results-mib", options->results_mib, "Room for results", 1, 1U << 30);
  add_number(*command, "--tasks-mib", options->tasks_mib, "Room for tasks", 1, 1U << 30);
  command->add_flag("--renew-results", options->renews_results,
                    "Remove the stream of results first; spools fill it again");
  command->callback([&action, options] { action = [options] { return set_up_queue(*options); }; });
}

void add_queue_commands(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("queue", "Tasks in, results out, as JSON lines");
  command->require_subcommand(1);
  command->footer(kExitCodes);
  add_queue_put(*command, action);
  add_queue_get(*command, action);
  add_queue_setup(*command, action);
}

void add_vp_command(CLI::App& parent, Action& action, const char* name, const char* help,
                    Expected<int> (*run_it)(const VpOptions&)) {
  auto* command = parent.add_subcommand(name, help);
  command->footer(examples(std::string("  backsight vp ") + name + "\n  backsight vp " + name +
                           " ams01 --json"));
  auto options = std::make_shared<VpOptions>();
  add_queue(*command, options->queue);
  command->add_option("VP", options->vps, "Vantage points; all when none is named")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "What they say of themselves, one object a line");
  command->callback(
      [&action, options, run_it] { action = [options, run_it] { return run_it(*options); }; });
}

void add_vp_capture(CLI::App& parent, Action& action) {
  auto* command = parent.add_subcommand(
      "capture", "Packets that a vantage point of this machine received and could not use");
  command->footer(
      examples("  backsight vp capture > rejects.pcapng\n"
               "  backsight vp capture --seconds 60 | tshark -r - -T fields -e frame.comment"));
  auto options = std::make_shared<CaptureOptions>();
  options->socket = kCaptureSocket;
  command->add_option("--socket", options->socket, "Where it listens: capture.socket of its config")
      ->envname("BACKSIGHT_CAPTURE")
      ->type_name("PATH")
      ->capture_default_str();
  add_number(*command, "--seconds", options->seconds, "For so long", 1, 86400);
  command->callback([&action, options] { action = [options] { return capture(*options); }; });
}

void add_vp_commands(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("vp", "The vantage points of a queue");
  command->require_subcommand(1);
  command->footer(kExitCodes);
  add_vp_command(*command, action, "list", "One line a vantage point", list_vantage_points);
  add_vp_command(*command, action, "status", "All that is known of each", show_vantage_points);
  add_vp_capture(*command, action);
}

void add_timestamp_options(CLI::App& command, ProbeOptions& options) {
  add_choice(command, "--type", options.task.timestamp,
             "Timestamps alone, with addresses, or of given addresses", probes::timestamp::kTypes,
             &probes::timestamp::TypeRow::type);
  command
      .add_option("--ts-address", options.ts_addresses,
                  "An address that is to stamp, with tsprespec; up to four times")
      ->type_name("ADDRESS")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_trace_options(CLI::App& command, ProbeOptions& options) {
  tasks::Task& task = options.task;
  add_choice(command, "--method", task.method, "Protocol of the probes; Paris all three",
             probes::kTraceProtocols, &probes::Protocol::method);
  add_task_number(command, "first_ttl", task, "Where to begin");
  add_task_number(command, "max_ttl", task, "Where to end");
  add_task_number(command, "attempts", task, "Probes for a hop that does not answer");
  add_task_number(command, "gap_limit", task, "Silent hops in a row that end the trace");
  add_task_number(command, "loop_limit", task,
                  "Repeats of a row of hops that end the trace; 0: never");
}

// Options that ping, rr, ts and trace share.
ProbeOptions& add_probe_command(CLI::App& app, Action& action, probes::Kind kind,
                                const char* help) {
  const std::string name(probes::name(kind));
  auto* command = app.add_subcommand(name, help);
  auto options = std::make_shared<ProbeOptions>();
  options->task.kind = kind;
  command->add_option("DST", options->destinations, "IPv4 addresses or names")
      ->required()
      ->type_name("");
  add_queue(*command, options->queue);
  command
      ->add_option("--vp", options->vp, "The vantage point; may be left out if there is one only")
      ->type_name("NAME");
  command->add_option("--src", options->src, "Spoof this source, which must be enrolled")
      ->type_name("ADDRESS");
  add_task_number(*command, "flow", options->task, "Keeps a path through load balancers");
  add_task_number(*command, "timeout_ms", options->task, "How long to wait for each reply");
  command->add_flag("--json", options->json, "The result, one object a line");
  command->footer(examples("  backsight " + name + " 198.51.100.7\n  backsight " + name +
                           " --vp ams01 --json 198.51.100.7 203.0.113.9"));
  command->callback([&action, options] { action = [options] { return probe(*options); }; });
  return *options;
}

void add_probe_commands(CLI::App& app, Action& action) {
  using probes::Kind;
  add_probe_command(app, action, Kind::kPing, "Ping through a vantage point");
  add_probe_command(app, action, Kind::kRecordRoute, "Ping with the Record Route option");
  auto& timestamp =
      add_probe_command(app, action, Kind::kTimestamp, "Ping with the timestamp option");
  add_timestamp_options(*app.get_subcommand("ts"), timestamp);
  auto& trace = add_probe_command(app, action, Kind::kTrace, "Traceroute through a vantage point");
  add_trace_options(*app.get_subcommand("trace"), trace);
}

void add_everything(CLI::App& app, Action& action) {
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("backsight ") + BACKSIGHT_VERSION);
  app.footer(kExitCodes);
  app.get_formatter()->column_width(32);
  add_probe_commands(app, action);
  add_queue_commands(app, action);
  add_vp_commands(app, action);
  add_revtr(app, action);
  add_keygen(app, action);
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app("Measure through the vantage points of a queue", "backsight");
  Action action;
  add_everything(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    const int code = app.exit(help);
    if (std::cout.flush()) return code;
    tell("stdout: cannot write");
    return 1;
  } catch (const CLI::ParseError& error) {
    tell(std::string(error.what()) + "; see backsight --help");
    return 2;
  }
  const auto done = action();
  if (done) return *done;
  tell(done.error().sentence);
  return done.error().exit_code();
}

}  // namespace backsight::cli
