#include "config/sim/world_config.h"

#include <charconv>

#include "config/reading/address_text.h"
#include "config/reading/keys.h"

namespace backsight::config {
namespace {

Reading<double> read_share(std::string_view text) {
  double share = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, share, std::chars_format::fixed);
  if (error != std::errc{} || stopped != end) {
    return tl::unexpected(in_quotes(text) + " is no number");
  }
  if (!(share >= 0 && share <= 1)) return tl::unexpected(in_quotes(text) + " is outside 0..1");
  return share;
}

// A share of 1, with up to six digits behind the point.
Key& describe_share(Keys& keys, std::string_view name, double& field, std::string_view meaning) {
  const auto write = [](double share) { return fmt::format("{:.6g}", share); };
  return keys.value(name, field, "0..1", meaning, read_share, write).write("a share");
}

Reading<probes::Ipv4Prefix> read_block(std::string_view text, std::span<const probes::Ipv4Prefix>) {
  auto prefix = read_prefix(text);
  if (prefix && prefix->length > 16) {
    return tl::unexpected(in_quotes(text) + " is longer than a /16");
  }
  return prefix;
}

}  // namespace

void describe(Keys& keys, TopologyConfig& topology) {
  keys.number("ases", topology.ases, 1000, 80'000, "autonomous systems, if they are generated")
      .write("a number of ASes");
  keys.path("as_relationships", topology.as_relationships, "CAIDA's file, uncompressed")
      .write("the path of a CAIDA as-rel file", "20260901.as-rel.txt")
      .if_absent("they are generated");
  keys.list("address_space", topology.address_space, "list of prefixes",
            "where all addresses come from", read_block)
      .write("a list of prefixes")
      .if_empty("the list is empty");
  keys.number("hosts_per_prefix24", topology.hosts_per_prefix24, 1, 200, "on average")
      .write("a number of hosts");
  keys.number("vantage_points", topology.vantage_points, 1, 1000, "places where packets come from")
      .write("a number of vantage points");
  keys.flag("vantage_points_answer", topology.vantage_points_answer,
            "pings of others, on their behalf; false: they get them");
}

// What a share is of stands in its name.
void describe(Keys& keys, BehaviourConfig& behaviour) {
  const auto share = [&keys](std::string_view name, double& field, std::string_view meaning) {
    describe_share(keys, name, field, meaning).write("a share", "0.25");
  };
  share("hosts_answer_ping", behaviour.hosts_answer_ping, "share of hosts");
  share("hosts_answer_options", behaviour.hosts_answer_options,
        "of those; the rest drops packets with options");
  share("hosts_stamp_nothing", behaviour.hosts_stamp_nothing,
        "of hosts and routers that are asked, in a recorded route");
  share("hosts_stamp_twice", behaviour.hosts_stamp_twice,
        "on the way in and on the way out, as Linux does");
  share("hosts_stamp_alias", behaviour.hosts_stamp_alias, "another address than the one asked");
  share("hosts_refuse_tcp", behaviour.hosts_refuse_tcp, "with a reset");
  share("hosts_refuse_udp", behaviour.hosts_refuse_udp, "with port unreachable");
  share("ases_drop_options", behaviour.ases_drop_options, "of edge ASes, in both directions");
  share("ases_stamp_nothing", behaviour.ases_stamp_nothing, "all routers of the AS");
  share("ases_tunnel", behaviour.ases_tunnel, "of transit ASes: their core is not seen");
  share("ases_number_privately", behaviour.ases_number_privately, "links inside are of 10/8");
  share("ases_filter_spoofed", behaviour.ases_filter_spoofed,
        "foreign sources leave no vantage point there");
  share("routers_stamp_nothing", behaviour.routers_stamp_nothing, "of forwarded packets");
  share("routers_stamp_ingress", behaviour.routers_stamp_ingress,
        "the address that the packet came by");
  share("routers_stamp_loopback", behaviour.routers_stamp_loopback,
        "the rest: the address it leaves by");
  share("routers_silent", behaviour.routers_silent, "send no time exceeded");
  share("routers_show_loopback", behaviour.routers_show_loopback, "in time exceeded");
  share("routers_show_egress", behaviour.routers_show_egress,
        "the rest: the address the probe came by");
  share("routers_answer_ping", behaviour.routers_answer_ping, "of routers");
  share("routers_answer_options", behaviour.routers_answer_options, "of those");
  share("routers_quote_more", behaviour.routers_quote_more,
        "the whole probe in errors; the rest: 8 bytes");
  share("routers_limit_icmp", behaviour.routers_limit_icmp, "to icmp_limit_pps");
  share("routers_limit_options", behaviour.routers_limit_options, "to options_limit_pps");
  share("balancers_by_address", behaviour.balancers_by_address, "of choices between routers");
  share("balancers_by_packet", behaviour.balancers_by_packet, "the rest: by flow, ports too");
  keys.number("icmp_limit_pps", behaviour.icmp_limit_pps, 10, 100'000,
              "errors that such a router sends at most")
      .write("packets a second");
  keys.number("options_limit_pps", behaviour.options_limit_pps, 10, 100'000,
              "packets with options that pass at most")
      .write("packets a second");
}

void describe(Keys& keys, DynamicsConfig& dynamics) {
  describe_share(keys, "loss", dynamics.loss, "of packets, each way");
  keys.number("jitter_us", dynamics.jitter_us, 0, 1'000'000, "on average, each way")
      .write("microseconds");
  keys.number("options_hop_us", dynamics.options_hop_us, 0, 100'000,
              "what a router takes longer for options")
      .write("microseconds");
  describe_share(keys, "unusual_routes", dynamics.unusual_routes,
                 "of periods in which routes to an AS differ");
  keys.number("route_period_s", dynamics.route_period_s, 1, 31'536'000,
              "how long an AS keeps its routes")
      .write("seconds");
}

void describe(Keys& keys, MemoryConfig& memory) {
  keys.number("routes_mib", memory.routes_mib, 1, 1U << 20,
              "at most, for routes as they are needed")
      .write("MiB");
  keys.number("paths_mib", memory.paths_mib, 1, 1U << 20, "at most, for paths between routers")
      .write("MiB");
}

}  // namespace backsight::config
