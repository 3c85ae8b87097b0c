// A network that a test holds in its hands: ports made of rings, and an Internet behind them whose
// routers and hosts are those of tests/support/model_router.h. All of it moves in the thread that
// calls step().
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "probes/ip/address.h"
#include "probes/wire/mac_addr.h"
#include "tests/support/model_router.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

namespace backsight::engine {

using probes::Ipv4Addr;
using probes::MacAddr;
using testing::Packet;

// "192.0.2.1"; aborts on anything else.
Ipv4Addr ip(const char* text);

// An EAL device whose other end is in our hands.
class Wire {
 public:
  // `slots`: how many frames each direction of each queue holds.
  Wire(std::size_t queues, unsigned slots);
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();

  [[nodiscard]] const std::string& device() const { return device_; }
  // The frames that the port sent, freed where they came from.
  [[nodiscard]] std::vector<Packet> take();
  // False: the port's receive queue is full.
  bool deliver(const Packet& frame, std::size_t queue);
  // Frames under way in either direction, buffers of ours that the port holds.
  [[nodiscard]] std::size_t frames_inside() const;
  [[nodiscard]] static std::size_t buffers_in_use();

 private:
  std::string device_;
  std::vector<rte_ring*> to_port_;
  std::vector<rte_ring*> from_port_;
};

// How the Internet treats probes to a destination.
struct Path {
  std::vector<Ipv4Addr> there;     // routers, the nearest first
  std::vector<Ipv4Addr> back;      // routers, the one nearest to the destination first
  std::set<Ipv4Addr> silent = {};  // of those: send no errors
  bool has_host = true;            // somebody is there
  bool accepts_tcp = false;        // SYN-ACK instead of RST
  testing::QuoteShape quote = {};  // of all errors
};

// One machine on the Internet, which we test.
struct Site {
  Wire* wire = nullptr;
  Ipv4Addr address;
  MacAddr mac;
};

class FakeInternet {
 public:
  static inline const MacAddr kGatewayMac{{0x02, 0, 0, 0, 0, 0x01}};
  static inline const Ipv4Addr kGateway = ip("192.0.2.1");

  void attach(const Site& site) { sites_.push_back(site); }

  // Moves everything once: what the sites sent is answered, what is due is delivered.
  void step();

  // What becomes of a probe; as the path to its destination says, unless a test sets another.
  std::function<std::vector<Packet>(const Packet& probe)> respond = [this](const Packet& probe) {
    return travel(probe);
  };
  [[nodiscard]] std::vector<Packet> travel(const Packet& probe) const;
  [[nodiscard]] const Path& path_to(Ipv4Addr destination) const;

  // Delivers a packet to the site whose address is its destination.
  void send(const Packet& packet, std::size_t steps_later = 0);
  // Delivers a frame as it is.
  void send_frame(const Site& site, const Packet& frame, std::size_t steps_later = 0);
  [[nodiscard]] bool is_idle() const { return pending_.empty(); }

  Path path = {.there = {ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3")},
               .back = {ip("10.0.1.1"), ip("10.0.1.2")}};
  std::map<Ipv4Addr, Path> paths;  // of destinations with another one
  bool answers_arp = true;
  MacAddr gateway_mac = kGatewayMac;          // it may move; what is sent elsewhere is lost
  std::map<Ipv4Addr, MacAddr> hosts_on_link;  // beside the gateway
  std::function<std::size_t(const Packet& frame)> queue_of = [](const Packet&) { return 0; };

  std::vector<Packet> probes;        // all IPv4 packets that were sent, from the IPv4 header on
  std::vector<Packet> probe_frames;  // the same with their Ethernet headers
  std::vector<Packet> arp;           // all ARP frames that were sent
  bool takes_nothing = false;        // the sites' frames stay where they are

 private:
  struct Pending {
    std::size_t due;
    Wire* wire;
    Packet frame;
  };
  void take_arp(const Site& site, const Packet& frame);
  [[nodiscard]] bool has_station(MacAddr mac) const;

  std::vector<Site> sites_;
  std::deque<Pending> pending_;
  std::size_t now_ = 0;
};

// An ARP frame, byte by byte (RFC 826).
Packet make_arp(std::uint16_t operation, MacAddr to, MacAddr from, Ipv4Addr sender,
                MacAddr target_mac, Ipv4Addr target);

Ipv4Addr source_of(const Packet& packet);
Ipv4Addr destination_of(const Packet& packet);

}  // namespace backsight::engine
