// The Internet as it stands: ASes, their points of presence, routers, links and addresses, in flat
// arrays. Built once, then immutable; any thread may read it.
//
// Routers come in groups: those of one group stand side by side in one place, and whoever sends to
// the group chooses one of them (a load balancer's choice). In a point of presence there is one
// core group; below it hang border groups, which links to other ASes end at, and a tree of further
// groups, whose leaves hosts are behind. Where a place has a single router, it is all of these.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/sim/world_config.h"
#include "probes/ip/address.h"
#include "sim/memory.h"
#include "sim/topology/as_graph.h"

namespace backsight::sim {

using probes::Ipv4Addr;
using probes::Ipv4Prefix;

using PopId = std::uint32_t;
using GroupId = std::uint32_t;
using RouterId = std::uint32_t;

inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

// What the neighbour is to us.
enum class Relation : std::uint8_t { kCustomer, kPeer, kProvider };

struct Adjacency {
  AsIndex neighbour;
  std::uint32_t first_link;  // in Internet::links
  std::uint16_t twin;        // place among the neighbour's adjacencies
  std::uint8_t link_count;
  Relation relation;
};

// One end of a link between two ASes.
struct Link {
  GroupId here;
  GroupId there;
  std::uint32_t address_here;  // host order
  std::uint32_t address_there;
  std::uint32_t delay_ns;  // one way
  std::uint8_t pop;        // of ours, within the AS
};

struct Pop {
  GroupId core;
  GroupId first_border;  // core itself if borders == 0
  GroupId first_access;  // core itself if accesses == 0
  std::uint16_t borders;
  std::uint8_t accesses;
  CityId city;
};

struct Group {
  RouterId first_router;
  std::uint32_t up_link;  // number of its first link to the group above
  AsIndex as;
  GroupId up;          // the group above; itself for a core group
  std::uint8_t width;  // routers; 1 for border and access groups and wherever hosts are behind
  std::uint8_t pop;    // within the AS
};

// Links inside an AS are numbered; number n has the addresses 4n + 1 (the core's or the lower
// point of presence's end) and 4n + 2. Between two groups of a and b routers there are a * b.
struct InternalRange {
  std::uint32_t first;  // number
  GroupId lower;
  GroupId upper;
};

struct As {
  std::uint32_t number;
  std::uint32_t first_adjacency;
  std::uint32_t first_pop;
  GroupId first_group;
  RouterId first_router;
  std::uint32_t internal_base;  // address of link number 0; in 10/8 if numbered privately
  std::uint32_t external_base;  // links to other ASes that carry our addresses, four each
  std::uint32_t loopback_base;  // one each router
  std::uint32_t first_range;    // in Internet::ranges
  std::uint32_t first_hosted;   // in Internet::hosted: links that carry our addresses
  std::uint32_t first_prefix;   // in Internet::prefixes
  std::uint32_t backbone;       // in the tables of Internet, pops * pops entries
  std::uint32_t adjacencies;
  std::uint32_t ranges;
  std::uint32_t hosted;
  std::uint16_t prefixes;
  std::uint8_t pops;
  Size size;
};

// What announces and owns a /24 of the simulation.
enum class Use : std::uint8_t { kNothing, kRouters, kHosts, kExchange, kVantagePoint };
struct Slash24 {
  Use use = Use::kNothing;
  std::uint32_t owner = kNone;  // AS; of an exchange, its number; of a vantage point, its number
  GroupId access = kNone;       // the group that its hosts are behind; not of exchanges
};

struct Prefix {
  Ipv4Prefix prefix;
  AsIndex as;
};

// The peering LAN of a city's exchange. Interface n has address base + 1 + n.
struct Exchange {
  Ipv4Prefix lan;
  std::vector<GroupId> interfaces;  // the border group that each belongs to
};

struct VantagePoint {
  Ipv4Addr address;
  Ipv4Addr gateway;
  std::uint8_t prefix_length;  // of their link
  GroupId group;               // of its gateway
  AsIndex as;
  CityId city;
};

struct Internet {
  Distances distances;
  std::vector<As> ases;
  std::vector<Adjacency> adjacencies;
  std::vector<Link> links;
  std::vector<Pop> pops;
  std::vector<Group> groups;
  std::vector<GroupId> group_of_router;
  std::vector<InternalRange> ranges;
  std::vector<std::uint32_t> hosted;  // index of the hosting end in `links`
  std::vector<Prefix> prefixes;       // announced; sorted by address within each AS
  std::vector<Exchange> exchanges;
  std::vector<VantagePoint> vantage_points;
  // For each AS a matrix, [from * pops + to]: the next point of presence, the way's length, and for
  // neighbours the number of the first link between their core groups.
  std::vector<std::uint8_t> next_pop;
  std::vector<std::uint32_t> igp_distance;
  std::vector<std::uint32_t> pop_link;
  std::vector<Slash24> slash24;  // from first_slash24 on
  std::uint32_t first_slash24 = 0;

  [[nodiscard]] Slash24 use_of(Ipv4Addr address) const noexcept {
    const std::uint32_t index = (address.value >> 8) - first_slash24;
    return index < slash24.size() ? slash24[index] : Slash24{};
  }
  void prepare_use_of(Ipv4Addr address) const noexcept {
    const std::uint32_t index = (address.value >> 8) - first_slash24;
    if (index < slash24.size()) prefetch(&slash24[index]);
  }
  [[nodiscard]] std::span<const Adjacency> neighbours(AsIndex as) const noexcept {
    return {adjacencies.data() + ases[as].first_adjacency, ases[as].adjacencies};
  }
  [[nodiscard]] std::span<const Link> links_of(const Adjacency& adjacency) const noexcept {
    return {links.data() + adjacency.first_link, adjacency.link_count};
  }
  [[nodiscard]] const Pop& pop_of(const Group& group) const noexcept {
    return pops[ases[group.as].first_pop + group.pop];
  }
};

// The router whose interface has this address; private addresses have none.
[[nodiscard]] std::optional<RouterId> router_of(const Internet& internet,
                                                Ipv4Addr address) noexcept;
// The link that carries an address of the AS's block for links to others, by its near end.
[[nodiscard]] std::uint32_t hosting_link(const Internet& internet, AsIndex as,
                                         Ipv4Addr address) noexcept;

// Builds all of it. Fails when the address space is too small.
[[nodiscard]] Expected<Internet> build_internet(const AsGraph& graph,
                                                const config::WorldConfig& config);

}  // namespace backsight::sim
