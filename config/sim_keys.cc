#include "config/sim_keys.h"

#include <charconv>
#include <iterator>
#include <utility>
#include <vector>

#include "config/reading/address_text.h"
#include "config/vp_values.h"

namespace backsight::config {
namespace {

using C = SimConfig;
using Keys = std::vector<Key<SimConfig>>;

constexpr std::uint64_t kMaxDescriptors = 32'768;

// A share of 1, with up to six digits behind the point.
template <typename Field>
Access<C> share(Field field) {
  return single<C>(
      "0..1",
      [=](C& config, std::string_view text) -> std::optional<std::string> {
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value,
                                                  std::chars_format::fixed);
        if (error != std::errc{} || end != text.data() + text.size()) {
          return in_quotes(text) + " is no number";
        }
        if (!(value >= 0 && value <= 1)) {
          return in_quotes(text) + " is outside 0..1";
        }
        field(config) = value;
        return std::nullopt;
      },
      [=](const C& config) { return fmt::format("{:.6g}", field(config)); });
}

struct Share {
  std::string_view name;
  double BehaviourConfig::*member;
  std::string_view meaning;
};

// What a share is of stands in its name.
constexpr Share kShares[] = {
    {"behaviour.hosts_answer_ping", &BehaviourConfig::hosts_answer_ping, "share of hosts"},
    {"behaviour.hosts_answer_options", &BehaviourConfig::hosts_answer_options,
     "of those; the rest drops packets with options"},
    {"behaviour.hosts_stamp_nothing", &BehaviourConfig::hosts_stamp_nothing,
     "of hosts and routers that are asked, in a recorded route"},
    {"behaviour.hosts_stamp_twice", &BehaviourConfig::hosts_stamp_twice,
     "on the way in and on the way out, as Linux does"},
    {"behaviour.hosts_stamp_alias", &BehaviourConfig::hosts_stamp_alias,
     "another address than the one asked"},
    {"behaviour.hosts_refuse_tcp", &BehaviourConfig::hosts_refuse_tcp, "with a reset"},
    {"behaviour.hosts_refuse_udp", &BehaviourConfig::hosts_refuse_udp, "with port unreachable"},
    {"behaviour.ases_drop_options", &BehaviourConfig::ases_drop_options,
     "of edge ASes, in both directions"},
    {"behaviour.ases_stamp_nothing", &BehaviourConfig::ases_stamp_nothing, "all routers of the AS"},
    {"behaviour.ases_tunnel", &BehaviourConfig::ases_tunnel,
     "of transit ASes: their core is not seen"},
    {"behaviour.ases_number_privately", &BehaviourConfig::ases_number_privately,
     "links inside are of 10/8"},
    {"behaviour.ases_filter_spoofed", &BehaviourConfig::ases_filter_spoofed,
     "foreign sources leave no vantage point there"},
    {"behaviour.routers_stamp_nothing", &BehaviourConfig::routers_stamp_nothing,
     "of forwarded packets"},
    {"behaviour.routers_stamp_ingress", &BehaviourConfig::routers_stamp_ingress,
     "the address that the packet came by"},
    {"behaviour.routers_stamp_loopback", &BehaviourConfig::routers_stamp_loopback,
     "the rest: the address it leaves by"},
    {"behaviour.routers_silent", &BehaviourConfig::routers_silent, "send no time exceeded"},
    {"behaviour.routers_show_loopback", &BehaviourConfig::routers_show_loopback,
     "in time exceeded"},
    {"behaviour.routers_show_egress", &BehaviourConfig::routers_show_egress,
     "the rest: the address the probe came by"},
    {"behaviour.routers_answer_ping", &BehaviourConfig::routers_answer_ping, "of routers"},
    {"behaviour.routers_answer_options", &BehaviourConfig::routers_answer_options, "of those"},
    {"behaviour.routers_quote_more", &BehaviourConfig::routers_quote_more,
     "the whole probe in errors; the rest: 8 bytes"},
    {"behaviour.routers_limit_icmp", &BehaviourConfig::routers_limit_icmp, "to icmp_limit_pps"},
    {"behaviour.routers_limit_options", &BehaviourConfig::routers_limit_options,
     "to options_limit_pps"},
    {"behaviour.balancers_by_address", &BehaviourConfig::balancers_by_address,
     "of choices between routers"},
    {"behaviour.balancers_by_packet", &BehaviourConfig::balancers_by_packet,
     "the rest: by flow, ports too"},
};

Key<C> share_key(const Share& row) {
  const auto field = [member = row.member](auto& config) -> auto& {
    return config.world.behaviour.*member;
  };
  return {.name = row.name,
          .wanted = "a share",
          .example = "0.25",
          .meaning = row.meaning,
          .access = share(field)};
}

Refusals set_space(C& config, std::span<const std::string> texts) {
  Refusals refusals;
  std::vector<probes::Ipv4Prefix> prefixes;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto prefix = read_prefix(texts[i]);
    if (!prefix) {
      refusals.push_back({i, prefix.error()});
    } else if (prefix->length > 16) {
      refusals.push_back({i, in_quotes(texts[i]) + " is longer than a /16"});
    } else {
      prefixes.push_back(*prefix);
    }
  }
  if (texts.empty()) {
    refusals.push_back({0, "the list is empty"});
  }
  if (refusals.empty()) {
    config.world.topology.address_space = std::move(prefixes);
  }
  return refusals;
}

std::vector<std::string> space_text(const C& config) {
  std::vector<std::string> texts;
  for (const probes::Ipv4Prefix& prefix : config.world.topology.address_space) {
    texts.push_back(to_string(prefix));
  }
  return texts;
}

Keys make_topology_keys() {
  const auto seed = [](auto& config) -> auto& { return config.world.seed; };
  const auto ases = [](auto& config) -> auto& { return config.world.topology.ases; };
  const auto file = [](auto& config) -> auto& { return config.world.topology.as_relationships; };
  const auto hosts = [](auto& config) -> auto& { return config.world.topology.hosts_per_prefix24; };
  const auto points = [](auto& config) -> auto& { return config.world.topology.vantage_points; };
  const auto answer = [](auto& config) -> auto& {
    return config.world.topology.vantage_points_answer;
  };
  return {
      {.name = "seed",
       .wanted = "a number",
       .example = "1",
       .meaning = "the same seed and config are the same Internet",
       .access = number<C>(seed, 0, ~std::uint64_t{0} >> 1)},
      {.name = "topology.ases",
       .wanted = "a number of ASes",
       .example = "10000",
       .meaning = "autonomous systems, if they are generated",
       .access = number<C>(ases, 1000, 80'000)},
      {.name = "topology.as_relationships",
       .wanted = "the path of a CAIDA as-rel file",
       .example = "20260901.as-rel.txt",
       .meaning = "CAIDA's file, uncompressed",
       .absent = "they are generated",
       .access = path<C>(file)},
      {.name = "topology.address_space",
       .wanted = "a list of prefixes",
       .example = "[16.0.0.0/4]",
       .meaning = "where all addresses come from",
       .access = {set_space, space_text, "list of prefixes", true}},
      {.name = "topology.hosts_per_prefix24",
       .wanted = "a number of hosts",
       .example = "12",
       .meaning = "on average",
       .access = number<C>(hosts, 1, 200)},
      {.name = "topology.vantage_points",
       .wanted = "a number of vantage points",
       .example = "150",
       .meaning = "places where packets come from",
       .access = number<C>(points, 1, 1000)},
      {.name = "topology.vantage_points_answer",
       .wanted = "true or false",
       .meaning = "pings of others, on their behalf; false: they get them",
       .access = word<C, decltype(answer), bool>(answer, {{"true", true}, {"false", false}})},
  };
}

Keys make_behaviour_keys() {
  const auto icmp = [](auto& config) -> auto& { return config.world.behaviour.icmp_limit_pps; };
  const auto options = [](auto& config) -> auto& {
    return config.world.behaviour.options_limit_pps;
  };
  Keys keys;
  for (const Share& row : kShares) {
    keys.push_back(share_key(row));
  }
  keys.push_back({.name = "behaviour.icmp_limit_pps",
                  .wanted = "packets a second",
                  .example = "500",
                  .meaning = "errors that such a router sends at most",
                  .access = number<C>(icmp, 10, 100'000)});
  keys.push_back({.name = "behaviour.options_limit_pps",
                  .wanted = "packets a second",
                  .example = "2000",
                  .meaning = "packets with options that pass at most",
                  .access = number<C>(options, 10, 100'000)});
  return keys;
}

Keys make_dynamics_keys() {
  const auto loss = [](auto& config) -> auto& { return config.world.dynamics.loss; };
  const auto jitter = [](auto& config) -> auto& { return config.world.dynamics.jitter_us; };
  const auto hop = [](auto& config) -> auto& { return config.world.dynamics.options_hop_us; };
  const auto unusual = [](auto& config) -> auto& { return config.world.dynamics.unusual_routes; };
  const auto period = [](auto& config) -> auto& { return config.world.dynamics.route_period_s; };
  const auto routes = [](auto& config) -> auto& { return config.world.memory.routes_mib; };
  const auto paths = [](auto& config) -> auto& { return config.world.memory.paths_mib; };
  return {
      {.name = "dynamics.loss",
       .wanted = "a share",
       .example = "0.003",
       .meaning = "of packets, each way",
       .access = share(loss)},
      {.name = "dynamics.jitter_us",
       .wanted = "microseconds",
       .example = "200",
       .meaning = "on average, each way",
       .access = number<C>(jitter, 0, 1'000'000)},
      {.name = "dynamics.options_hop_us",
       .wanted = "microseconds",
       .example = "60",
       .meaning = "what a router takes longer for options",
       .access = number<C>(hop, 0, 100'000)},
      {.name = "dynamics.unusual_routes",
       .wanted = "a share",
       .example = "0.06",
       .meaning = "of periods in which routes to an AS differ",
       .access = share(unusual)},
      {.name = "dynamics.route_period_s",
       .wanted = "seconds",
       .example = "21600",
       .meaning = "how long an AS keeps its routes",
       .access = number<C>(period, 1, 31'536'000)},
      {.name = "memory.routes_mib",
       .wanted = "MiB",
       .example = "5120",
       .meaning = "at most, for routes as they are needed",
       .access = number<C>(routes, 1, 1U << 20)},
      {.name = "memory.paths_mib",
       .wanted = "MiB",
       .example = "16",
       .meaning = "at most, for paths between routers",
       .access = number<C>(paths, 1, 1U << 20)},
  };
}

Keys make_engine_keys() {
  using I = EngineConfig::Idle;
  using H = EngineConfig::Hugepages;
  const auto worker = [](auto& config) -> auto& { return config.engine.worker; };
  const auto control = [](auto& config) -> auto& { return config.engine.control; };
  const auto idle = [](auto& config) -> auto& { return config.engine.idle; };
  const auto hugepages = [](auto& config) -> auto& { return config.engine.hugepages; };
  const auto under_way = [](auto& config) -> auto& { return config.engine.under_way; };
  return {
      {.name = "ports",
       .wanted = "a list of ports, each with its device",
       .example = "\"- device: net_af_packet0,iface=eth1\"",
       .meaning = "ports that vantage points are behind",
       .is_group = true,
       .access = {nullptr, [](const C&) { return std::vector<std::string>{}; }, "list of ports",
                  true}},
      {.name = "engine.worker",
       .wanted = "one core",
       .example = "1",
       .meaning = "core that polls and simulates",
       .access = number<C>(worker, 0, kMaxCores - 1)},
      {.name = "engine.control",
       .wanted = "one core",
       .example = "0",
       .meaning = "core of everything else; may be the worker's",
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
      {.name = "engine.under_way",
       .wanted = "a number of packets",
       .example = "262144",
       .meaning = "on their way back at most: rate x round trip",
       .access = number<C>(under_way, 1024, 1U << 22)},
      {.name = "engine.eal",
       .wanted = "a list of EAL arguments",
       .example = "[\"--log-level=lib.eal:debug\"]",
       .meaning = "extra EAL arguments",
       .access = {[](C& config, std::span<const std::string> texts) {
                    config.engine.eal.assign(texts.begin(), texts.end());
                    return Refusals{};
                  },
                  [](const C& config) { return config.engine.eal; }, "list of arguments", true}},
  };
}

std::vector<Key<SimPortConfig>> make_port_keys() {
  using P = SimPortConfig;
  const auto first = [](auto& port) -> auto& { return port.first_vantage_point; };
  const auto count = [](auto& port) -> auto& { return port.vantage_points; };
  const auto rx = [](auto& port) -> auto& { return port.rx_descriptors; };
  const auto tx = [](auto& port) -> auto& { return port.tx_descriptors; };
  const auto set = [](P& port, std::string_view text) {
    PortConfig checked;
    auto clause = set_device(checked, text);
    if (!clause) {
      port.device = checked.device;
    }
    return clause;
  };
  constexpr std::string_view kDescriptors = "a number of descriptors, or 0 for the device's choice";
  return {
      {.name = "device",
       .wanted = "a PCI address or an EAL virtual device",
       .example = "net_af_packet0,iface=eth1",
       .meaning = "PCI address, or an EAL device: net_memif0,role=server",
       .is_required = true,
       .access =
           single<P>("0000:3b:00.0, net_...", set, [](const P& port) { return port.device; })},
      {.name = "first_vantage_point",
       .wanted = "the number of a vantage point",
       .example = "0",
       .meaning = "number of the first one behind the port",
       .access = number<P>(first, 0, 999)},
      {.name = "vantage_points",
       .wanted = "a number of vantage points, or 0 for all that are left",
       .example = "1",
       .meaning = "how many; 0: all from there on",
       .access = number<P>(count, 0, 1000)},
      {.name = "rx_descriptors",
       .wanted = kDescriptors,
       .example = "1024",
       .meaning = "of the receive queue; 0: the device's choice",
       .access = number<P>(rx, 0, kMaxDescriptors)},
      {.name = "tx_descriptors",
       .wanted = kDescriptors,
       .example = "1024",
       .meaning = "of the transmit queue; 0: the device's choice",
       .access = number<P>(tx, 0, kMaxDescriptors)},
  };
}

}  // namespace

std::span<const Key<SimConfig>> sim_keys() {
  static const Keys keys = [] {
    Keys all;
    for (auto make :
         {make_topology_keys, make_behaviour_keys, make_dynamics_keys, make_engine_keys}) {
      auto some = make();
      std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    return all;
  }();
  return keys;
}

std::span<const Key<SimPortConfig>> sim_port_keys() {
  static const auto keys = make_port_keys();
  return keys;
}

}  // namespace backsight::config
