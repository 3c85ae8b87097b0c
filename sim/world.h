// A simulated Internet whose truth is known: packets of vantage points go in, what the Internet
// makes of them comes out at vantage points, each with its time of arrival; and any path can be
// asked for at any time. Pure: no clock, no threads, no I/O; the same config and the same packets
// at the same times give the same answers, byte for byte.
//
//   auto world = sim::World::make(config);
//   sim::Deliveries out;
//   (*world)->inject(packet, vantage_point.address, now_ns, out);
//   for (const sim::Delivery& it : out.all()) receive(it.vantage_point, it.at_ns, out.bytes(it));
//
// What the simulation is made of and what its figures rest on: docs/simulation.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "config/error.h"
#include "config/sim/world_config.h"
#include "probes/ip/address.h"
#include "sim/behaviour/traits.h"
#include "sim/packet/forwarder.h"
#include "sim/packet/packet.h"
#include "sim/routing/path_finder.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// A packet that arrives at a vantage point.
struct Delivery {
  std::uint32_t vantage_point;  // place in World::vantage_points()
  std::uint32_t offset;         // in the bytes of its Deliveries
  std::uint64_t at_ns;
  std::uint16_t size;
};

// Grows while it is filled and keeps its memory when cleared.
class Deliveries {
 public:
  [[nodiscard]] std::span<const Delivery> all() const noexcept { return deliveries_; }
  [[nodiscard]] std::span<const std::byte> bytes(const Delivery& delivery) const noexcept {
    return {bytes_.data() + delivery.offset, delivery.size};
  }
  void add(std::uint32_t vantage_point, std::uint64_t at_ns, std::span<const std::byte> packet);
  void clear() noexcept;

 private:
  std::vector<Delivery> deliveries_;
  std::vector<std::byte> bytes_;
};

// What became of a packet. Each ends in exactly one.
enum class Fate : std::uint8_t {
  kAnswered,         // an answer arrives at a vantage point
  kDelivered,        // it was for another vantage point, and arrives there
  kMalformed,        // not well-formed IPv4 with a right checksum, or larger than 1500 bytes
  kNoSender,         // `from` is no vantage point
  kSpoofFiltered,    // its source is not the sender's, and the sender's AS filters such
  kUnrouted,         // nobody announces the destination
  kLost,             // by chance, on the way there
  kAnswerLost,       // by chance, on the way back
  kOptionsDropped,   // by a router, either way
  kOptionsLimited,   // by a router's limit, either way
  kExpiredSilently,  // at a router that sends no time exceeded
  kIcmpLimited,      // at a router that has sent enough of them
  kNobody,           // no host has the destination
  kNoAnswer,         // the destination does not answer such a packet
  kAnswerElsewhere,  // its source is no vantage point's, so nobody sees the answer
  kCount
};
[[nodiscard]] std::string_view name(Fate fate) noexcept;

// One router on a path.
struct Hop {
  RouterId router;
  AsIndex as;
  std::uint32_t as_number;
  Ipv4Addr in;   // interface that packets come by; of the first hop, the one towards the host
  Ipv4Addr out;  // and leave by
  Ipv4Addr loopback;
  Ipv4Addr stamps;  // what it writes into a recorded route; unspecified: nothing
  Ipv4Addr shows;   // source of its time exceeded; unspecified: sends none
  bool is_hidden;   // in a tunnel: does not count down
  bool drops_options;
  RouterId first_alternative;  // load balancing may choose any of these instead
  std::uint8_t alternatives;
  std::uint64_t delay_ns;  // from the start of the path to here, without jitter
};

struct Path {
  bool exists = false;  // false: `from` or `to` is not routed, or there is no way
  std::vector<Hop> hops;
  std::uint64_t delay_ns = 0;  // the whole way, without jitter
};

// Who has an address.
struct Endpoint {
  enum class Kind : std::uint8_t { kUnrouted, kNobody, kHost, kRouter, kVantagePoint };
  Kind kind = Kind::kUnrouted;
  AsIndex as = kNone;       // of the router or host
  GroupId group = kNone;    // of the router itself, or of that before the host
  std::uint8_t member = 0;  // of the router
  RouterId router = kNone;  // of a router
  std::uint32_t vantage_point = kNone;
  AsIndex owner = kNone;          // AS whose address it is: `as`, but for links between two
  std::uint32_t through = kNone;  // of a router: the link whose other AS the address belongs to

  [[nodiscard]] Target target() const noexcept { return {group, owner, through}; }
};

// Thread: one at a time.
class World {
 public:
  // Fails when the config names a file that cannot be read, or an address space too small.
  [[nodiscard]] static Expected<std::unique_ptr<World>> make(const config::WorldConfig& config);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Takes one packet as the vantage point with address `from` sends it at `now_ns` (nanoseconds
  // since 1970), and appends to `out` what arrives at vantage points in consequence. Allocates
  // nothing but for `out` and for routes not yet known. Any bytes may be given.
  Fate inject(std::span<const std::byte> packet, Ipv4Addr from, std::uint64_t now_ns,
              Deliveries& out);

  // For who has several packets in hand: tells of the one that will be injected so many packets
  // later, so that what it needs is under way from memory by then. Changes no answer.
  static constexpr std::size_t kAhead = 2;
  void expect(std::span<const std::byte> packet, Ipv4Addr from) noexcept;

  // The truth. The routers between two addresses at a time, in order, for packets of one flow; each
  // address may be a vantage point's, a host's (also one that does not answer) or a router's. A
  // router that is an end is part of the path.
  [[nodiscard]] Path path(Ipv4Addr from, Ipv4Addr to, std::uint64_t at_ns, FlowKey flow = {});
  // The flow that an IPv4 packet belongs to.
  [[nodiscard]] static FlowKey flow_of(std::span<const std::byte> packet) noexcept;
  [[nodiscard]] Endpoint endpoint(Ipv4Addr address) const noexcept;
  // Announced AS of an address, as a user's prefix-to-AS table says; nothing for exchanges' LANs.
  [[nodiscard]] std::optional<std::uint32_t> origin(Ipv4Addr address) const noexcept;

  // The lists, in a fixed order.
  [[nodiscard]] std::span<const VantagePoint> vantage_points() const noexcept {
    return internet_.vantage_points;
  }
  [[nodiscard]] bool can_spoof(const VantagePoint& vantage_point) const noexcept {
    return !behaviour_.filters_spoofed(vantage_point.as);
  }
  [[nodiscard]] std::span<const Prefix> prefixes() const noexcept { return internet_.prefixes; }
  // All hosts, also those that answer nothing, until `visit` returns false.
  void for_each_host(const std::function<bool(Ipv4Addr, const HostTraits&)>& visit) const;
  // A host drawn at random among those that `wants` accepts; nothing after many tries.
  [[nodiscard]] std::optional<Ipv4Addr> draw_host(
      std::uint64_t draw, const std::function<bool(const HostTraits&)>& wants) const;
  // All public interfaces, routers side by side: the aliases of each.
  void for_each_interface(const std::function<void(RouterId, Ipv4Addr)>& visit) const;

  // All addresses in exchanges' LANs, with the number of the AS whose router has it.
  void for_each_exchange_member(const std::function<void(Ipv4Addr, std::uint32_t)>& visit) const;

  [[nodiscard]] const Internet& internet() const noexcept { return internet_; }
  [[nodiscard]] const Behaviour& behaviour() const noexcept { return behaviour_; }
  [[nodiscard]] RouteTable& routes() noexcept { return paths_.routes(); }
  using Fates = std::array<std::uint64_t, static_cast<std::size_t>(Fate::kCount)>;
  // Packets injected so far, by what became of them.
  [[nodiscard]] const Fates& fates() const noexcept { return fates_; }

 private:
  World(const config::WorldConfig& config, Internet internet);

  Fate take(std::span<const std::byte> bytes, Ipv4Addr from, std::uint64_t now_ns, Deliveries& out);
  Fate arrive(const Endpoint& at, std::uint64_t at_ns, Deliveries& out);
  Fate expire(const Passed& passed, Deliveries& out);
  Fate answer_for_host(const Endpoint& at, std::uint64_t at_ns, Deliveries& out);
  Fate answer_for_router(const Endpoint& at, std::uint64_t at_ns, Deliveries& out);
  bool answer_echo(Ipv4Addr owner, Stamping stamping, std::uint32_t alias, std::uint64_t at_ns);
  bool answer_udp(Ipv4Addr owner);
  Fate send_back(const Endpoint& from, std::uint64_t at_ns, Deliveries& out);
  [[nodiscard]] bool is_lost(std::uint64_t draw) const noexcept;
  [[nodiscard]] std::uint64_t jitter_ns(std::uint64_t draw) const noexcept;
  [[nodiscard]] std::uint16_t draw_ip_id() const noexcept;

  config::WorldConfig config_;
  Internet internet_;
  Behaviour behaviour_;
  PathFinder paths_;
  Forwarder forwarder_;
  Limits icmp_;
  struct Ends {
    Ipv4Addr from;
    Ipv4Addr to;
  };
  Ends expected_;           // the last that was told
  Packet packet_;           // the one under way
  std::uint64_t draw_ = 0;  // of the packet under way
  Fates fates_{};
};

}  // namespace backsight::sim
