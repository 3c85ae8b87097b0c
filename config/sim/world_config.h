// The simulated Internet (sim/world.h) as plain structs, with defaults: section `world` and those
// below it in sim.yaml. The same config and seed are the same Internet, byte for byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "probes/ip/address.h"

namespace backsight::config {

class Keys;

// What there is and how it hangs together.
struct TopologyConfig {
  std::uint32_t ases = 10'000;             // ignored with as_relationships
  std::filesystem::path as_relationships;  // CAIDA's as-rel or as-rel2 text; empty: generated
  // Where all addresses come from; what is special-purpose in it is left out. The default is
  // unicast space without such holes. A vantage point that measures the simulation must have no
  // other port.
  std::vector<probes::Ipv4Prefix> address_space{{{0x10000000}, 4}};  // 16.0.0.0/4
  std::uint32_t hosts_per_prefix24 = 12;                             // on average
  std::uint32_t vantage_points = 150;
  bool vantage_points_answer = true;  // pings, on their behalf; else they get them

  friend bool operator==(const TopologyConfig&, const TopologyConfig&) = default;
};
void describe(Keys& keys, TopologyConfig& topology);

// Shares are of 1. "Of ASes" shares are drawn once an AS, "of routers" once a router, and so on.
struct BehaviourConfig {
  // Hosts.
  double hosts_answer_ping = 0.80;
  double hosts_answer_options = 0.775;  // of those that answer pings; the rest drops the packet
  double hosts_stamp_nothing = 0.08;    // of those that answer options
  double hosts_stamp_twice = 0.10;      // as Linux does: on the way in and on the way out
  double hosts_stamp_alias = 0.04;      // another address than the one that was asked
  double hosts_refuse_tcp = 0.60;       // a reset; the rest drops SYNs to closed ports
  double hosts_refuse_udp = 0.50;       // port unreachable; the rest says nothing
  // ASes.
  double ases_drop_options = 0.04;   // of edge ASes: nothing with options enters or leaves
  double ases_stamp_nothing = 0.02;  // all routers of the AS
  double ases_tunnel = 0.75;         // of transit ASes: core routers neither count down nor stamp
  double ases_number_privately = 0.04;  // links inside carry 10/8 addresses
  double ases_filter_spoofed = 0.25;    // of those with vantage points
  // Routers.
  double routers_stamp_nothing = 0.04;
  double routers_stamp_ingress = 0.08;  // the rest: the address of the way out (RFC 791)
  double routers_stamp_loopback = 0.03;
  double routers_silent = 0.08;         // no time exceeded
  double routers_show_loopback = 0.08;  // in time exceeded; the rest: the address of the way in
  double routers_show_egress = 0.20;
  double routers_answer_ping = 0.85;
  double routers_answer_options = 0.88;  // of those that answer pings
  double routers_quote_more = 0.40;  // the whole probe; the rest quotes 8 bytes beyond the header
  double routers_limit_icmp = 0.60;  // answers a second that they send at most: icmp_limit_pps
  double routers_limit_options = 0.05;  // packets with options that pass: options_limit_pps
  std::uint32_t icmp_limit_pps = 500;
  std::uint32_t options_limit_pps = 2000;
  // Load balancing, where there is a choice of routers.
  double balancers_by_address = 0.25;  // the flow's addresses alone
  double balancers_by_packet = 0.03;   // the rest: addresses, protocol, first four bytes

  friend bool operator==(const BehaviourConfig&, const BehaviourConfig&) = default;
};
void describe(Keys& keys, BehaviourConfig& behaviour);

// What varies from packet to packet and over time.
struct DynamicsConfig {
  double loss = 0.003;                    // of packets, each way
  std::uint32_t jitter_us = 200;          // mean, each way
  std::uint32_t options_hop_us = 60;      // what a router takes longer for a packet with options
  double unusual_routes = 0.06;           // of (destination AS, period): routed as if a link failed
  std::uint32_t route_period_s = 21'600;  // how long a destination AS keeps its routes

  friend bool operator==(const DynamicsConfig&, const DynamicsConfig&) = default;
};
void describe(Keys& keys, DynamicsConfig& dynamics);

// How fast it does it: nothing here changes what is answered.
struct MemoryConfig {
  std::uint32_t routes_mib = 5120;  // routes towards destination ASes, computed when first needed
  // At most; walks between two routers that were asked for twice, few enough for a CPU's cache.
  std::uint32_t paths_mib = 16;

  friend bool operator==(const MemoryConfig&, const MemoryConfig&) = default;
};
void describe(Keys& keys, MemoryConfig& memory);

struct WorldConfig {
  std::uint64_t seed = 1;
  TopologyConfig topology;
  BehaviourConfig behaviour;
  DynamicsConfig dynamics;
  MemoryConfig memory;

  friend bool operator==(const WorldConfig&, const WorldConfig&) = default;
};

}  // namespace backsight::config
