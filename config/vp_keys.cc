#include "config/vp_keys.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "config/queue_keys.h"
#include "config/vp_values.h"

namespace backsight::config {
namespace {

constexpr std::uint64_t kMaxPps = 1'000'000'000;  // beyond any port of today
constexpr std::uint64_t kMaxDescriptors = 32'768;

std::string address_text(const PortConfig& port) {
  return port.address.is_unspecified()
             ? std::string{}
             : fmt::format("{}/{}", to_string(port.address), port.prefix_length);
}

template <typename Field>
Access<VpConfig> pps(Field field, std::uint64_t least) {
  return number<VpConfig>(field, least, kMaxPps);
}

std::vector<Key<PortConfig>> make_port_keys() {
  using P = PortConfig;
  using A = PortConfig::Answers;
  const auto answers = [](auto& port) -> auto& { return port.answers; };
  const auto on_link = [](auto& port) -> auto& { return port.on_link; };
  const auto rx = [](auto& port) -> auto& { return port.rx_descriptors; };
  const auto tx = [](auto& port) -> auto& { return port.tx_descriptors; };
  constexpr std::string_view kDescriptors = "a number of descriptors, or 0 for the device's choice";
  return {
      {.name = "device",
       .wanted = "a PCI address or an EAL virtual device",
       .example = "net_af_packet0,iface=eth1",
       .meaning = "PCI address, or an EAL device: net_af_xdp0,iface=eth1",
       .is_required = true,
       .access = single<P>("0000:3b:00.0, net_...", set_device,
                           [](const P& port) { return port.device; })},
      {.name = "address",
       .wanted = "the port's address and the prefix length of its link",
       .example = "192.0.2.10/24",
       .meaning = "its own, and the prefix length of its link",
       .is_required = true,
       .access = single<P>("address/length", set_address, address_text)},
      {.name = "on_link",
       .wanted = "true or false",
       .meaning = "whether its prefix is reached without the gateway",
       .access = word<P, decltype(on_link), bool>(on_link, {{"true", true}, {"false", false}})},
      {.name = "gateway",
       .wanted = "the address of a router on the port's link",
       .example = "192.0.2.1",
       .meaning = "the way beyond the link",
       .absent = "only on-link destinations",
       .access =
           single<P>("address", set_gateway,
                     [](const P& port) { return port.gateway ? to_string(*port.gateway) : ""; })},
      {.name = "gateway_mac",
       .wanted = "the gateway's Ethernet address",
       .example = "02:00:00:00:00:01",
       .meaning = "the gateway's Ethernet address",
       .absent = "asked by ARP",
       .access = single<P>(
           "Ethernet address", set_gateway_mac,
           [](const P& port) { return port.gateway_mac ? to_string(*port.gateway_mac) : ""; })},
      {.name = "answers",
       .wanted = "auto, yes or no",
       .meaning = "to ARP and pings; auto: unless a kernel does",
       .access = word<P, decltype(answers), A>(
           answers, {{"auto", A::kAuto}, {"yes", A::kYes}, {"no", A::kNo}})},
      {.name = "rx_descriptors",
       .wanted = kDescriptors,
       .example = "1024",
       .meaning = "of a receive queue; 0: the device's choice",
       .access = number<P>(rx, 0, kMaxDescriptors)},
      {.name = "tx_descriptors",
       .wanted = kDescriptors,
       .example = "1024",
       .meaning = "of a transmit queue; 0: the device's choice",
       .access = number<P>(tx, 0, kMaxDescriptors)},
  };
}

std::vector<Key<VpConfig>> make_head_keys() {
  using C = VpConfig;
  return {
      {.name = "name",
       .wanted = "1 to 63 of a-z, 0-9 and -",
       .example = "ams01",
       .meaning = "this vantage point",
       .is_required = true,
       .access = single<C>("1..63 of a-z, 0-9, -", set_name,
                           [](const C& config) { return config.name; })},
      {.name = "id",
       .wanted = "the number of this vantage point",
       .example = "1",
       .meaning = "its number in probe ids, unique in the fleet",
       .is_required = true,
       .access = single<C>(
           "1..65535", set_id,
           [](const C& config) { return config.id == 0 ? "" : fmt::to_string(config.id); })},
      {.name = "ports",
       .wanted = "a list of ports, each with its device and address",
       .example = "\"- device: 0000:3b:00.0\"",
       .meaning = "network ports",
       .is_required = true,
       .is_group = true,
       .access = {nullptr, nullptr, "list of ports", true}},
  };
}

std::vector<Key<VpConfig>> make_engine_keys() {
  using C = VpConfig;
  using I = EngineConfig::Idle;
  using H = EngineConfig::Hugepages;
  const auto control = [](auto& config) -> auto& { return config.engine.control; };
  const auto idle = [](auto& config) -> auto& { return config.engine.idle; };
  const auto hugepages = [](auto& config) -> auto& { return config.engine.hugepages; };
  const auto waiting = [](auto& config) -> auto& { return config.engine.waiting; };
  const auto traces = [](auto& config) -> auto& { return config.engine.traces; };
  const auto telemetry = [](auto& config) -> auto& { return config.engine.telemetry; };
  return {
      {.name = "engine.workers",
       .wanted = "a list of different cores, each below 1024",
       .example = "[2, 3]",
       .meaning = "cores that poll; one queue pair each on each port",
       .access = {set_workers, workers_text, "list of cores, 0..1023", true}},
      {.name = "engine.control",
       .wanted = "one core",
       .example = "0",
       .meaning = "core of everything else; may be a worker's",
       .access = number<C>(control, 0, kMaxCores - 1)},
      {.name = "engine.idle",
       .wanted = "poll or adaptive",
       .meaning = "poll without pause, or adaptive: nap when idle",
       .access =
           word<C, decltype(idle), I>(idle, {{"poll", I::kPoll}, {"adaptive", I::kAdaptive}})},
      {.name = "engine.hugepages",
       .wanted = "auto, required or off",
       .meaning = "auto: if there are any",
       .access = word<C, decltype(hugepages), H>(
           hugepages, {{"auto", H::kAuto}, {"required", H::kRequired}, {"off", H::kOff}})},
      {.name = "engine.inflight",
       .wanted = "a power of two, 64..67108864",
       .example = "1048576",
       .meaning = "slots per worker, a power of two: rate x time-out",
       .access = single<C>("64..67108864, a power of two", set_inflight,
                           [](const C& config) { return fmt::to_string(config.engine.inflight); })},
      {.name = "engine.waiting",
       .wanted = "a number of tasks",
       .example = "65536",
       .meaning = "tasks a worker holds back for the limits' sake",
       .access = number<C>(waiting, 64, 1U << 24)},
      {.name = "engine.traces",
       .wanted = "a number of traceroutes",
       .example = "4096",
       .meaning = "traceroutes under way per worker",
       .access = number<C>(traces, 1, 1U << 20)},
      {.name = "engine.telemetry",
       .wanted = "true or false",
       .meaning = "whether dpdk-telemetry.py finds it",
       .access = word<C, decltype(telemetry), bool>(telemetry, {{"true", true}, {"false", false}})},
      {.name = "engine.eal",
       .wanted = "a list of EAL arguments",
       .example = "[\"--log-level=lib.eal:debug\"]",
       .meaning = "extra EAL arguments",
       .access = {set_eal, [](const C& config) { return config.engine.eal; }, "list of arguments",
                  true}},
  };
}

std::vector<Key<VpConfig>> make_rate_keys() {
  constexpr std::string_view kOrOff = "packets a second, or 0 for no limit";
  const auto total = [](auto& config) -> auto& { return config.rates.total_pps; };
  const auto rr = [](auto& config) -> auto& { return config.rates.rr_pps; };
  const auto destination = [](auto& config) -> auto& { return config.rates.per_destination_pps; };
  const auto prefix24 = [](auto& config) -> auto& { return config.rates.per_prefix24_pps; };
  const auto spoofed = [](auto& config) -> auto& { return config.rates.per_spoofed_source_pps; };
  return {
      {.name = "rates.total_pps",
       .wanted = "packets a second",
       .example = "10000",
       .meaning = "all that is sent; all limits hold at once",
       .access = pps(total, 1)},
      {.name = "rates.rr_pps",
       .wanted = kOrOff,
       .example = "2000",
       .meaning = "probes with IP options; 0: no limit of their own",
       .access = pps(rr, 0)},
      {.name = "rates.per_destination_pps",
       .wanted = kOrOff,
       .example = "10",
       .meaning = "to one address; 0: no limit",
       .access = pps(destination, 0)},
      {.name = "rates.per_prefix24_pps",
       .wanted = kOrOff,
       .example = "100",
       .meaning = "to one /24; 0: no limit",
       .access = pps(prefix24, 0)},
      {.name = "rates.per_spoofed_source_pps",
       .wanted = kOrOff,
       .example = "1000",
       .meaning = "from one enrolled address; 0: no limit",
       .access = pps(spoofed, 0)},
  };
}

std::vector<Key<VpConfig>> make_safety_keys() {
  using C = VpConfig;
  const auto enrolled = [](auto& config) -> auto& { return config.enrolled_file; };
  const auto deny = [](auto& config) -> auto& { return config.deny_file; };
  const auto key = [](auto& config) -> auto& { return config.key_file; };
  const auto bogons = [](auto& config) -> auto& { return config.allow_bogons; };
  return {
      {.name = "spoofing.enrolled",
       .wanted = "the path of the enrolment file",
       .example = "enrolled.yaml",
       .meaning = "addresses whose owners consented",
       .absent = "no spoofing",
       .access = path<VpConfig>(enrolled)},
      {.name = "deny",
       .wanted = "the path of the deny file",
       .example = "deny.txt",
       .meaning = "prefixes never probed, one a line",
       .absent = "none but bogons",
       .access = path<VpConfig>(deny)},
      {.name = "allow_bogons",
       .wanted = "true or false",
       .meaning = "whether private and reserved addresses are probed",
       .access = word<C, decltype(bogons), bool>(bogons, {{"true", true}, {"false", false}})},
      {.name = "identity.key_file",
       .wanted = "the path of the fleet's key",
       .example = "fleet.key",
       .meaning = "the fleet's secret; backsight keygen makes one",
       .is_required = true,
       .access = path<VpConfig>(key)},
  };
}

std::vector<Key<VpConfig>> make_url_key() {
  return {queue_url_key<VpConfig>("tasks come, results go here", "only --tasks")};
}

std::vector<Key<VpConfig>> make_broker_keys() {
  return broker_keys<VpConfig>("ams01.nk", "ams01.pem", "ams01.key");
}

std::vector<Key<VpConfig>> make_outlet_keys() {
  using C = VpConfig;
  const auto capture = [](auto& config) -> auto& { return config.capture_socket; };
  const auto log = [](auto& config) -> auto& { return config.log_format; };
  const auto spool = [](auto& config) -> auto& { return config.queue.spool; };
  const auto spool_limit = [](auto& config) -> auto& { return config.queue.spool_limit_mib; };
  return {
      {.name = "queue.spool",
       .wanted = "the path of a folder on a local disk",
       .example = "/var/lib/backsight/spool",
       .meaning = "where results wait that a broker's consumer has not got",
       .access = path<VpConfig>(spool)},
      {.name = "queue.spool_limit_mib",
       .wanted = "a number of MiB",
       .example = "10240",
       .meaning = "results that may wait there; beyond, no task is taken",
       .access = number<C>(spool_limit, 1, std::uint64_t{1} << 30)},
      {.name = "metrics.listen",
       .wanted = "host:port or off",
       .example = "127.0.0.1:9464",
       .meaning = "/metrics, /healthz, /readyz",
       .absent = "127.0.0.1:9464 if free",
       .access = single<C>("host:port, off", set_metrics_listen, metrics_listen_text)},
      {.name = "capture.socket",
       .wanted = "the path of a socket to make",
       .example = "/run/backsight-vp/capture.sock",
       .meaning = "where backsight vp capture asks",
       .absent = "no captures",
       .access = path<VpConfig>(capture)},
      {.name = "log.format",
       .wanted = "text or json",
       .meaning = "of the lines on standard error",
       .access = word<C, decltype(log), LogFormat>(
           log, {{"text", LogFormat::kText}, {"json", LogFormat::kJson}})},
  };
}

}  // namespace

std::span<const Key<VpConfig>> vp_keys() {
  static const std::vector<Key<VpConfig>> keys = [] {
    std::vector<Key<VpConfig>> all;
    for (auto make : {make_head_keys, make_engine_keys, make_rate_keys, make_safety_keys,
                      make_url_key, make_broker_keys, make_outlet_keys}) {
      auto some = make();
      std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    return all;
  }();
  return keys;
}

std::span<const Key<PortConfig>> port_keys() {
  static const std::vector<Key<PortConfig>> keys = make_port_keys();
  return keys;
}

}  // namespace backsight::config
