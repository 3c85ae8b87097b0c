#include "config/controller/controller_config.h"

#include "config/listen.h"
#include "config/reading/keys.h"
#include "config/reading/written.h"
#include "config/sections/outlets.h"

namespace backsight::config {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kMaxPps = 1'000'000'000;

void describe_storage(Keys& keys, ControllerConfig& controller) {
  keys.path("archive", controller.archive,
            "where requests and every measurement go, in M-Lab's form")
      .write("the path of a folder");
  keys.path("state", controller.state, "which numbers requests and probes were given")
      .write("the path of a folder on a local disk");
  keys.duration("keep_results", controller.keep_results, minutes(1), days(30),
                "how long a batch can be asked for; the archive keeps all")
      .write("a time");
  keys.number("keep_results_mib", controller.keep_results_mib, 64, std::uint64_t{1} << 30,
              "of the log that has them; beyond, the oldest go earlier")
      .write("a number of MiB");
}

// Whoever reaches the API may send probes: without keys that is nobody but this machine.
void check_listen(Written& written, const ControllerConfig& controller) {
  const std::string& listen = controller.listen;
  if (controller.keys_file.empty() && !is_loopback(listen)) {
    written.add("listen", fmt::format("\"{}\" is reached from elsewhere and no key is asked for; "
                                      "write keys: keys.yaml too, or 127.0.0.1:8080",
                                      listen));
  }
  if (listen == controller.metrics_listen) {
    written.add("metrics.listen", fmt::format("\"{}\" is where the API listens; write another "
                                              "port, such as 127.0.0.1:9465",
                                              listen));
  }
}

}  // namespace

void describe(Keys& keys, ControllerQueueConfig& queue) {
  describe_url(keys, queue, "the one that the vantage points use").required();
  describe_broker(keys, queue, "controller");
  keys.path("state", queue.state, "where it is kept which results of a broker were taken")
      .write("the path of a folder on a local disk");
}

void describe(Keys& keys, AnnotationConfig& annotation) {
  keys.path("prefixes", annotation.prefixes_file, "prefix-to-AS: CAIDA, pyasn, bdrmapIT")
      .write("the path of a prefix-to-AS file", "pfx2as.txt")
      .if_absent("no AS is known");
  keys.path("exchanges", annotation.exchanges_file, "who is at exchanges: PeeringDB's netixlan")
      .write("the path of what PeeringDB answers for netixlan", "netixlan.json")
      .if_absent("not told");
  keys.path("geolocation", annotation.geolocation_file, "where addresses are")
      .write("the path of a database in MaxMind's format", "city.mmdb")
      .if_absent("not told");
}

void describe(Keys& keys, AtlasConfig& atlas) {
  keys.paths("import", atlas.imports, "traceroutes to the sources, RIPE Atlas's; or a folder")
      .write("a list of paths", "[atlas.json]");
  keys.duration("max_age", atlas.max_age, minutes(1), days(30),
                "traceroutes to a source are used so long")
      .write("a time");
}

void describe(Keys& keys, LimitsConfig& limits) {
  keys.number("max_under_way", limits.max_under_way, 1, 10'000'000,
              "reverse traceroutes at a time; more are refused")
      .write("a number of reverse traceroutes");
  keys.number("max_batch", limits.max_batch, 1, 100'000, "requests in one submission")
      .write("a number of requests");
  keys.number("probes_per_second", limits.probes_per_second, 0, kMaxPps,
              "of all vantage points together; 0: their own limits")
      .write("probes a second, or 0 for no limit", "50000");
  keys.number("probes_per_measurement", limits.probes_per_measurement, 1, 100'000,
              "sent for one reverse traceroute at the most")
      .write("a number of probes");
  keys.duration("measurement_time", limits.measurement_time, seconds(1), minutes(10),
                "that one reverse traceroute may take")
      .write("a time");
  keys.duration("source_patience", limits.source_patience, seconds(1), days(30),
                "that an accepted request waits for a source that is gone")
      .write("a time");
}

void describe(Keys& keys, ControllerConfig& controller) {
  keys.title("The controller", "docs/controller-configuration.md");
  keys.text("listen", controller.listen, "host:port", "API and page", listen_fault)
      .write("host:port");
  keys.section("queue", controller.queue);
  describe_storage(keys, controller);
  keys.section("annotation", controller.annotation);
  keys.path("aliases", controller.aliases_file, "addresses of one router a line")
      .write("the path of a file with a router a line", "aliases.txt")
      .if_absent("none is known");
  keys.section("atlas", controller.atlas);
  keys.section("limits", controller.limits);
  keys.path("deny", controller.deny_file, "prefixes never measured, one a line")
      .write("the path of the deny file", "deny.txt")
      .if_absent("none but bogons");
  keys.flag("allow_bogons", controller.allow_bogons,
            "whether private and reserved addresses are measured");
  keys.path("keys", controller.keys_file, "who may ask, and how much")
      .write("the path of the file of API keys", "keys.yaml")
      .if_absent("this machine, without one");
  keys.value("metrics.listen", controller.metrics_listen, "host:port, off",
             "/metrics, /healthz, /readyz", read_listen_or_off, listen_or_off_text)
      .write("host:port or off");
  describe_log(keys, controller.log_format);
  keys.check([&controller](Written& written) { check_listen(written, controller); });
}

}  // namespace backsight::config
