// What the controller measured on the way to its answers, as its archive keeps it: one record a
// row of M-Lab's tables ping1, trace1, traceatlas1 and rankedspoofers1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "probes/ip/address.h"
#include "tasks/result.h"

namespace backsight::controller {

// A ping with or without Record Route, by its end. `id` is the task's.
struct PingRecord {
  std::uint64_t id = 0;
  std::uint64_t revtr = 0;  // the reverse traceroute that first asked for it; 0: none, background
  std::string vp;           // that sent it
  probes::Ipv4Addr src;     // as in the packet
  probes::Ipv4Addr dst;
  std::uint64_t sent_unix_us = 0;
  std::uint32_t rtt_us = 0;  // 0: not known, as of spoofed ones
  bool is_spoofed = false;
  bool is_record_route = false;
  bool is_answered = false;
  probes::Ipv4Addr from;                // who answered
  std::uint8_t reply_ttl = 0;           // as it arrived
  std::vector<probes::Ipv4Addr> route;  // recorded, in order
};

// A traceroute towards a destination (trace1) or, to a source, of the atlas (traceatlas1).
struct TraceRecord {
  std::uint64_t id = 0;
  std::uint64_t revtr = 0;  // as above
  std::string vp;           // that traced; empty for imported ones
  std::string platform;     // "backsight" or "ripe"
  std::uint64_t probe = 0;  // RIPE's probe; 0: none
  probes::Ipv4Addr src;
  probes::Ipv4Addr dst;
  std::uint64_t started_unix_us = 0;
  tasks::Outcome outcome = tasks::Outcome::kReached;
  std::vector<tasks::Hop> hops;
  bool is_atlas = false;
};

// The vantage points that were ranked for one hop, best first.
struct RankedSpoofersRecord {
  std::uint64_t revtr = 0;
  probes::Ipv4Addr hop;
  struct Spoofer {
    std::string vp;
    probes::Ipv4Addr address;
    probes::Ipv4Addr ingress;   // unspecified: not known
    std::uint8_t distance = 0;  // slots to the hop; 0: not known
    std::uint64_t ping = 0;     // what it was asked to send; 0: it was not needed
  };
  std::vector<Spoofer> spoofers;
  std::string technique = "ingress_cover";
  std::uint64_t unix_us = 0;
};

}  // namespace backsight::controller
