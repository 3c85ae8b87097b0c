#include "config/controller_keys.h"

#include <iterator>
#include <utility>
#include <vector>

#include "config/listen.h"
#include "config/queue_keys.h"

namespace backsight::config {
namespace {

using C = ControllerConfig;
using Keys = std::vector<Key<ControllerConfig>>;
using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kOff = "off";
constexpr std::uint64_t kMaxPps = 1'000'000'000;

Keys make_head_keys() {
  return {
      {.name = "listen",
       .wanted = "host:port",
       .example = "127.0.0.1:8080",
       .meaning = "API and page",
       .access = single<C>(
           "host:port",
           [](C& config, std::string_view text) {
             auto fault = listen_fault(text);
             if (!fault) {
               config.listen = text;
             }
             return fault;
           },
           [](const C& config) { return config.listen; })},
      queue_url_key<C>("the one that the vantage points use", ""),
  };
}

Keys make_broker_keys() {
  return broker_keys<C>("controller.nk", "controller.pem", "controller.key");
}

Keys make_storage_keys() {
  const auto consumer = [](auto& config) -> auto& { return config.queue.state; };
  const auto archive = [](auto& config) -> auto& { return config.archive; };
  const auto state = [](auto& config) -> auto& { return config.state; };
  const auto keep = [](auto& config) -> auto& { return config.keep_results; };
  const auto keep_mib = [](auto& config) -> auto& { return config.keep_results_mib; };
  return {
      {.name = "queue.state",
       .wanted = "the path of a folder on a local disk",
       .example = "/var/lib/backsight/consumer",
       .meaning = "where it is kept which results of a broker were taken",
       .access = path<C>(consumer)},
      {.name = "archive",
       .wanted = "the path of a folder",
       .example = "/var/lib/backsight/archive",
       .meaning = "where every measurement goes, in M-Lab's form",
       .access = path<C>(archive)},
      {.name = "state",
       .wanted = "the path of a folder on a local disk",
       .example = "/var/lib/backsight/controller",
       .meaning = "where requests and their ends survive a restart",
       .access = path<C>(state)},
      {.name = "keep_results",
       .wanted = "a time",
       .example = "24h",
       .meaning = "how long a batch can be asked for; the archive keeps all",
       .access = duration<C>(keep, minutes(1), days(30))},
      {.name = "keep_results_mib",
       .wanted = "a number of MiB",
       .example = "10240",
       .meaning = "of these at the most; beyond, the oldest go earlier",
       .access = number<C>(keep_mib, 64, std::uint64_t{1} << 30)},
  };
}

Keys make_knowledge_keys() {
  const auto prefixes = [](auto& config) -> auto& { return config.annotation.prefixes_file; };
  const auto exchanges = [](auto& config) -> auto& { return config.annotation.exchanges_file; };
  const auto places = [](auto& config) -> auto& { return config.annotation.geolocation_file; };
  const auto aliases = [](auto& config) -> auto& { return config.aliases_file; };
  const auto imports = [](auto& config) -> auto& { return config.atlas.imports; };
  const auto max_age = [](auto& config) -> auto& { return config.atlas.max_age; };
  return {
      {.name = "annotation.prefixes",
       .wanted = "the path of a prefix-to-AS file",
       .example = "pfx2as.txt",
       .meaning = "prefix-to-AS: CAIDA, pyasn, bdrmapIT",
       .absent = "no AS is known",
       .access = path<C>(prefixes)},
      {.name = "annotation.exchanges",
       .wanted = "the path of what PeeringDB answers for netixlan",
       .example = "netixlan.json",
       .meaning = "who is at exchanges: PeeringDB's netixlan",
       .absent = "not told",
       .access = path<C>(exchanges)},
      {.name = "annotation.geolocation",
       .wanted = "the path of a database in MaxMind's format",
       .example = "city.mmdb",
       .meaning = "where addresses are",
       .absent = "not told",
       .access = path<C>(places)},
      {.name = "aliases",
       .wanted = "the path of a file with a router a line",
       .example = "aliases.txt",
       .meaning = "addresses of one router a line",
       .absent = "none is known",
       .access = path<C>(aliases)},
      {.name = "atlas.import",
       .wanted = "a list of paths",
       .example = "[atlas.json]",
       .meaning = "traceroutes to the sources, RIPE Atlas's; or a folder",
       .access = paths<C>(imports)},
      {.name = "atlas.max_age",
       .wanted = "a time",
       .example = "24h",
       .meaning = "traceroutes to a source are used so long",
       .access = duration<C>(max_age, minutes(1), days(30))},
  };
}

Keys make_limit_keys() {
  const auto under_way = [](auto& config) -> auto& { return config.limits.max_under_way; };
  const auto batch = [](auto& config) -> auto& { return config.limits.max_batch; };
  const auto rate = [](auto& config) -> auto& { return config.limits.probes_per_second; };
  const auto probes = [](auto& config) -> auto& { return config.limits.probes_per_measurement; };
  const auto time = [](auto& config) -> auto& { return config.limits.measurement_time; };
  const auto patience = [](auto& config) -> auto& { return config.limits.source_patience; };
  return {
      {.name = "limits.max_under_way",
       .wanted = "a number of reverse traceroutes",
       .example = "1000000",
       .meaning = "reverse traceroutes at a time; more are refused",
       .access = number<C>(under_way, 1, 10'000'000)},
      {.name = "limits.max_batch",
       .wanted = "a number of requests",
       .example = "10000",
       .meaning = "requests in one submission",
       .access = number<C>(batch, 1, 100'000)},
      {.name = "limits.probes_per_second",
       .wanted = "probes a second, or 0 for no limit",
       .example = "50000",
       .meaning = "of all vantage points together; 0: their own limits",
       .access = number<C>(rate, 0, kMaxPps)},
      {.name = "limits.probes_per_measurement",
       .wanted = "a number of probes",
       .example = "300",
       .meaning = "sent for one reverse traceroute at the most",
       .access = number<C>(probes, 1, 100'000)},
      {.name = "limits.measurement_time",
       .wanted = "a time",
       .example = "60s",
       .meaning = "that one reverse traceroute may take",
       .access = duration<C>(time, seconds(1), minutes(10))},
      {.name = "limits.source_patience",
       .wanted = "a time",
       .example = "10m",
       .meaning = "that an accepted request waits for a source that is gone",
       .access = duration<C>(patience, seconds(1), days(30))},
  };
}

Keys make_access_keys() {
  const auto deny = [](auto& config) -> auto& { return config.deny_file; };
  const auto bogons = [](auto& config) -> auto& { return config.allow_bogons; };
  const auto keys = [](auto& config) -> auto& { return config.keys_file; };
  const auto log = [](auto& config) -> auto& { return config.log_format; };
  return {
      {.name = "deny",
       .wanted = "the path of the deny file",
       .example = "deny.txt",
       .meaning = "prefixes never measured, one a line",
       .absent = "none but bogons",
       .access = path<C>(deny)},
      {.name = "allow_bogons",
       .wanted = "true or false",
       .meaning = "whether private and reserved addresses are measured",
       .access = word<C, decltype(bogons), bool>(bogons, {{"true", true}, {"false", false}})},
      {.name = "keys",
       .wanted = "the path of the file of API keys",
       .example = "keys.yaml",
       .meaning = "who may ask, and how much",
       .absent = "this machine, without one",
       .access = path<C>(keys)},
      {.name = "metrics.listen",
       .wanted = "host:port or off",
       .example = "127.0.0.1:9465",
       .meaning = "/metrics, /healthz, /readyz",
       .access = single<C>(
           "host:port, off",
           [](C& config, std::string_view text) -> std::optional<std::string> {
             if (text != kOff) {
               if (auto fault = listen_fault(text)) {
                 return fault;
               }
             }
             config.metrics_listen = text == kOff ? "" : text;
             return std::nullopt;
           },
           [](const C& config) {
             return config.metrics_listen.empty() ? std::string(kOff) : config.metrics_listen;
           })},
      {.name = "log.format",
       .wanted = "text or json",
       .meaning = "of the lines on standard error",
       .access = word<C, decltype(log), LogFormat>(
           log, {{"text", LogFormat::kText}, {"json", LogFormat::kJson}})},
  };
}

}  // namespace

std::span<const Key<ControllerConfig>> controller_keys() {
  static const Keys keys = [] {
    Keys all;
    for (auto make : {make_head_keys, make_broker_keys, make_storage_keys, make_knowledge_keys,
                      make_limit_keys, make_access_keys}) {
      Keys some = make();
      std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    return all;
  }();
  return keys;
}

}  // namespace backsight::config
