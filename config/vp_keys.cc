#include "config/vp_keys.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "config/vp_values.h"

namespace backsight::config {
namespace {

constexpr std::uint64_t kMaxPps = 1'000'000'000;  // beyond any port of today
constexpr std::uint64_t kMaxDescriptors = 32'768;

// `field` is a generic lambda that returns a path in the config.
template <typename Field>
Access<VpConfig> path(Field field) {
  return single<VpConfig>(
      "path",
      [field](VpConfig& config, std::string_view text) -> Clause {
        field(config) = std::filesystem::path(text);
        return std::nullopt;
      },
      [field](const VpConfig& config) { return field(config).string(); });
}

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
  const auto rx = [](auto& port) -> auto& { return port.rx_descriptors; };
  const auto tx = [](auto& port) -> auto& { return port.tx_descriptors; };
  constexpr std::string_view kDescriptors = "a number of descriptors, or 0 for the device's choice";
  return {
      {"device", "a PCI address or an EAL virtual device", "net_af_packet0,iface=eth1",
       "PCI address, or an EAL device: net_af_xdp0,iface=eth1", "", true, false,
       single<P>("0000:3b:00.0, net_...", set_device, [](const P& port) { return port.device; })},
      {"address", "the port's address and the prefix length of its link", "192.0.2.10/24",
       "its own, and the prefix length of its link", "", true, false,
       single<P>("address/length", set_address, address_text)},
      {"gateway", "the address of a router on the port's link", "192.0.2.1",
       "the way beyond the link", "only on-link destinations", false, false,
       single<P>("address", set_gateway,
                 [](const P& port) { return port.gateway ? to_string(*port.gateway) : ""; })},
      {"gateway_mac", "the gateway's Ethernet address", "02:00:00:00:00:01",
       "the gateway's Ethernet address", "asked by ARP", false, false,
       single<P>(
           "Ethernet address", set_gateway_mac,
           [](const P& port) { return port.gateway_mac ? to_string(*port.gateway_mac) : ""; })},
      {"answers", "auto, yes or no", "", "to ARP and pings; auto: unless a kernel does", "", false,
       false,
       word<P, decltype(answers), A>(answers,
                                     {{"auto", A::kAuto}, {"yes", A::kYes}, {"no", A::kNo}})},
      {"rx_descriptors", kDescriptors, "1024", "of a receive queue; 0: the device's choice", "",
       false, false, number<P>(rx, 0, kMaxDescriptors)},
      {"tx_descriptors", kDescriptors, "1024", "of a transmit queue; 0: the device's choice", "",
       false, false, number<P>(tx, 0, kMaxDescriptors)},
  };
}

std::vector<Key<VpConfig>> make_head_keys() {
  using C = VpConfig;
  return {
      {"name", "1 to 63 of a-z, 0-9 and -", "ams01", "this vantage point", "", true, false,
       single<C>("1..63 of a-z, 0-9, -", set_name, [](const C& config) { return config.name; })},
      {"id", "the number of this vantage point", "1",
       "its number in probe ids, unique in the fleet", "", true, false,
       single<C>("1..65535", set_id,
                 [](const C& config) { return config.id == 0 ? "" : fmt::to_string(config.id); })},
      {"ports",
       "a list of ports, each with its device and address",
       "\"- device: 0000:3b:00.0\"",
       "network ports",
       "",
       true,
       true,
       {nullptr, nullptr, "list of ports", true}},
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
  return {
      {"engine.workers",
       "a list of different cores, each below 1024",
       "[2, 3]",
       "cores that poll; one queue pair each on each port",
       "",
       false,
       false,
       {set_workers, workers_text, "list of cores, 0..1023", true}},
      {"engine.control", "one core", "0", "core of everything else; may be a worker's", "", false,
       false, number<C>(control, 0, kMaxCores - 1)},
      {"engine.idle", "poll or adaptive", "", "poll without pause, or adaptive: nap when idle", "",
       false, false,
       word<C, decltype(idle), I>(idle, {{"poll", I::kPoll}, {"adaptive", I::kAdaptive}})},
      {"engine.hugepages", "auto, required or off", "", "auto: if there are any", "", false, false,
       word<C, decltype(hugepages), H>(
           hugepages, {{"auto", H::kAuto}, {"required", H::kRequired}, {"off", H::kOff}})},
      {"engine.inflight", "a power of two, 64..67108864", "1048576",
       "slots per worker, a power of two: rate x time-out", "", false, false,
       single<C>("64..67108864, a power of two", set_inflight,
                 [](const C& config) { return fmt::to_string(config.engine.inflight); })},
      {"engine.waiting", "a number of tasks", "65536",
       "tasks a worker holds back for the limits' sake", "", false, false,
       number<C>(waiting, 64, 1U << 24)},
      {"engine.traces", "a number of traceroutes", "4096", "traceroutes under way per worker", "",
       false, false, number<C>(traces, 1, 1U << 20)},
      {"engine.eal",
       "a list of EAL arguments",
       "[\"--log-level=lib.eal:debug\"]",
       "extra EAL arguments",
       "",
       false,
       false,
       {set_eal, [](const C& config) { return config.engine.eal; }, "list of arguments", true}},
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
      {"rates.total_pps", "packets a second", "10000", "all that is sent; all limits hold at once",
       "", false, false, pps(total, 1)},
      {"rates.rr_pps", kOrOff, "2000", "probes with IP options; 0: no limit of their own", "",
       false, false, pps(rr, 0)},
      {"rates.per_destination_pps", kOrOff, "10", "to one address; 0: no limit", "", false, false,
       pps(destination, 0)},
      {"rates.per_prefix24_pps", kOrOff, "100", "to one /24; 0: no limit", "", false, false,
       pps(prefix24, 0)},
      {"rates.per_spoofed_source_pps", kOrOff, "1000", "from one enrolled address; 0: no limit", "",
       false, false, pps(spoofed, 0)},
  };
}

std::vector<Key<VpConfig>> make_tail_keys() {
  using C = VpConfig;
  const auto enrolled = [](auto& config) -> auto& { return config.enrolled_file; };
  const auto deny = [](auto& config) -> auto& { return config.deny_file; };
  const auto key = [](auto& config) -> auto& { return config.key_file; };
  const auto bogons = [](auto& config) -> auto& { return config.allow_bogons; };
  return {
      {"spoofing.enrolled", "the path of the enrolment file", "enrolled.yaml",
       "addresses whose owners consented", "no spoofing", false, false, path(enrolled)},
      {"deny", "the path of the deny file", "deny.txt", "prefixes never probed, one a line",
       "none but bogons", false, false, path(deny)},
      {"allow_bogons", "true or false", "", "whether private and reserved addresses are probed", "",
       false, false, word<C, decltype(bogons), bool>(bogons, {{"true", true}, {"false", false}})},
      {"identity.key_file", "the path of the fleet's key", "fleet.key",
       "the fleet's secret; backsight keygen makes one", "", true, false, path(key)},
      {"queue.url", "the URL of a queue", "file:///var/lib/backsight",
       "tasks come, results go here", "only --tasks", false, false,
       single<C>("file:///path", set_queue_url, [](const C& config) { return config.queue_url; })},
      {"metrics.listen", "host:port or off", "127.0.0.1:9464",
       "/metrics, /healthz, /readyz", "127.0.0.1:9464 if free", false, false,
       single<C>("host:port, off", set_metrics_listen, metrics_listen_text)},
  };
}

}  // namespace

std::span<const Key<VpConfig>> vp_keys() {
  static const std::vector<Key<VpConfig>> keys = [] {
    std::vector<Key<VpConfig>> all;
    for (auto make : {make_head_keys, make_engine_keys, make_rate_keys, make_tail_keys}) {
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
