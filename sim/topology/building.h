// The steps from an AS graph to an `Internet`, in their order. Each fills its arrays and relies on
// those before it.
#pragma once

#include <cstdint>
#include <vector>

#include "config/error.h"
#include "config/sim/world_config.h"
#include "sim/draw.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// A link between two ASes before it has routers and addresses.
struct PlannedLink {
  AsIndex a;
  AsIndex b;
  std::uint8_t pop_a;
  std::uint8_t pop_b;
  bool crosses_exchange;  // and carries its addresses
  bool is_numbered_by_b;  // else by a
  GroupId group_a = kNone;
  GroupId group_b = kNone;

  [[nodiscard]] AsIndex numbered_by() const noexcept { return is_numbered_by_b ? b : a; }
};

struct Building {
  const AsGraph& graph;
  const config::WorldConfig& config;
  Internet internet{};
  std::vector<PlannedLink> planned{};            // those of one edge side by side
  std::vector<std::uint32_t> planned_of_edge{};  // first of each edge; one more at the end

  [[nodiscard]] std::uint64_t seed() const noexcept { return config.seed; }
};

// Pops, and where the ASes of each edge meet.
void plan_links(Building& building);
// Groups, routers and the numbers of the links between them; the end groups of planned links.
void build_routers(Building& building);
// The ways between the pops of each AS. Takes the numbers of core-to-core links from where
// build_routers() has left them: the last ranges of each AS.
void build_backbone(Building& building, AsIndex as, std::uint32_t& next_number);
// Adjacencies and links, addresses still zero.
void build_adjacencies(Building& building);
// The group that hosts of a /24 of the AS are behind.
[[nodiscard]] GroupId draw_access_group(const Internet& internet, AsIndex as, Ipv4Addr address,
                                        std::uint64_t seed) noexcept;
// All addresses, announced prefixes, and who owns which /24.
[[nodiscard]] Expected<void> assign_addresses(Building& building);
// Where the vantage points are; before assign_addresses(), which gives them theirs.
void choose_vantage_points(Building& building);

}  // namespace backsight::sim
