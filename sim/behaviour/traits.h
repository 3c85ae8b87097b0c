// How routers, hosts and ASes behave. Each trait is drawn by hash from the seed and whose it is, by
// the shares of the config; those of routers are kept in a table because every hop reads them.
#pragma once

#include <cstdint>
#include <vector>

#include "config/sim/world_config.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// Which of its addresses a router writes into a recorded route, or shows in an error.
enum class Shown : std::uint8_t { kNothing, kEgress, kIngress, kLoopback };

struct RouterTraits {
  Shown stamps;        // of packets that it forwards
  Shown expires_as;    // kEgress: towards the next router of the probe
  bool is_hidden;      // in a tunnel: neither counts down nor stamps
  bool drops_options;  // all packets with options
  bool answers_ping;
  bool answers_options;  // given that it answers pings
  bool limits_icmp;      // answers at most icmp_limit_pps
  bool limits_options;   // forwards at most options_limit_pps packets with options
};
static_assert(sizeof(RouterTraits) == 8);

// What few packets ask for.
struct AnswerTraits {
  bool quotes_all;           // of an error; else 8 bytes beyond the header
  std::uint8_t initial_ttl;  // of what it sends: 64, 128 or 255
};

// How the owner of an address that is asked fills the free slots of the recorded route.
enum class Stamping : std::uint8_t { kNothing, kOnce, kTwice, kAlias };

struct HostTraits {
  bool exists;
  bool answers_ping;
  bool answers_options;  // given that it answers pings
  bool refuses_tcp;
  bool serves_web;  // answers SYNs to ports 80 and 443
  bool refuses_udp;
  Stamping stamping;
  std::uint32_t delay_ns;  // between it and its first router, one way
};

// How a router chooses among the members of the next group.
enum class Balancing : std::uint8_t { kByFlow, kByAddress, kByPacket };

class Behaviour {
 public:
  Behaviour(const Internet& internet, const config::WorldConfig& config);

  [[nodiscard]] const RouterTraits& router(RouterId id) const noexcept { return routers_[id]; }
  [[nodiscard]] AnswerTraits answers(std::uint32_t address) const noexcept;
  [[nodiscard]] HostTraits host(Ipv4Addr address) const noexcept;
  [[nodiscard]] bool host_exists(Ipv4Addr address) const noexcept;
  // How its owner stamps a router's address.
  [[nodiscard]] Stamping router_stamping(RouterId id) const noexcept;
  [[nodiscard]] Balancing balancing(GroupId group) const noexcept;
  [[nodiscard]] bool filters_spoofed(AsIndex as) const noexcept;

 private:
  void draw_routers(const Internet& internet, AsIndex as);

  config::BehaviourConfig shares_;
  std::uint64_t seed_;
  std::uint32_t hosts_per_prefix24_;
  std::vector<RouterTraits> routers_;
};

}  // namespace backsight::sim
