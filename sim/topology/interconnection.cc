// Where two ASes that are neighbours meet: in cities they share, else over the shortest line.
#include <algorithm>
#include <array>

#include "sim/topology/building.h"

namespace backsight::sim {
namespace {

constexpr double kPeeringOverExchange = 0.95;
constexpr double kNumberedByCustomer = 0.45;
constexpr double kBackupLink = 0.15;  // customers with a second link to the same provider

// In how many cities an AS of that size is willing to meet one neighbour.
constexpr std::size_t meetings(Size size) {
  switch (size) {
    case Size::kTier1:
    case Size::kContent:
      return 10;
    case Size::kLarge:
      return 6;
    case Size::kSmall:
      return 3;
    case Size::kStub:
      break;
  }
  return 2;
}

class Planner {
 public:
  explicit Planner(Building& building) : building_(building), at_city_(cities().size()) {}

  void plan(const AsEdge& edge, std::uint64_t draw) {
    const std::vector<CityId>& a = building_.graph.nodes[edge.a].cities;
    const std::vector<CityId>& b = building_.graph.nodes[edge.b].cities;
    const std::size_t most = std::min(meetings(building_.graph.nodes[edge.a].size),
                                      meetings(building_.graph.nodes[edge.b].size)) *
                             (edge.is_peering ? 2 : 1);
    const std::size_t before = building_.planned.size();
    is_numbered_by_b_ = unit(mix(draw + 2)) < kNumberedByCustomer;
    at_city_.assign(at_city_.size(), kAbsent);
    for (std::size_t i = 0; i < a.size(); ++i) at_city_[a[i]] = static_cast<std::uint8_t>(i);
    for (std::size_t i = 0; i < b.size(); ++i) {
      if (building_.planned.size() - before == most) break;
      if (at_city_[b[i]] != kAbsent) add(edge, at_city_[b[i]], static_cast<std::uint8_t>(i), draw);
    }
    if (building_.planned.size() == before) add_shortest(edge);
    const bool is_single = building_.planned.size() == before + 1;
    if (!edge.is_peering && is_single && unit(mix(draw + 1)) < kBackupLink) {
      building_.planned.push_back(building_.planned.back());
    }
  }

 private:
  static constexpr std::uint8_t kAbsent = 0xff;

  void add(const AsEdge& edge, std::uint8_t pop_a, std::uint8_t pop_b, std::uint64_t draw) {
    const bool crosses = edge.is_peering && unit(mix(draw)) < kPeeringOverExchange;
    building_.planned.push_back({edge.a, edge.b, pop_a, pop_b, crosses, is_numbered_by_b_});
  }

  void add_shortest(const AsEdge& edge) {
    const std::vector<CityId>& a = building_.graph.nodes[edge.a].cities;
    const std::vector<CityId>& b = building_.graph.nodes[edge.b].cities;
    std::uint32_t best = ~0U;
    PlannedLink link{edge.a, edge.b, 0, 0, false, is_numbered_by_b_};
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = 0; j < b.size(); ++j) {
        const std::uint32_t delay = building_.internet.distances.delay_ns(a[i], b[j]);
        if (delay >= best) continue;
        best = delay;
        link.pop_a = static_cast<std::uint8_t>(i);
        link.pop_b = static_cast<std::uint8_t>(j);
      }
    }
    building_.planned.push_back(link);
  }

  Building& building_;
  bool is_numbered_by_b_ = false;
  std::vector<std::uint8_t> at_city_;  // of the first AS: its pop there
};

}  // namespace

void plan_links(Building& building) {
  Internet& internet = building.internet;
  for (const AsNode& node : building.graph.nodes) {
    As as{};
    as.number = node.number;
    as.size = node.size;
    as.first_pop = static_cast<PopId>(internet.pops.size());
    as.pops = static_cast<std::uint8_t>(node.cities.size());
    for (const CityId city : node.cities)
      internet.pops.push_back({kNone, kNone, kNone, 0, 0, city});
    internet.ases.push_back(as);
  }
  Planner planner(building);
  for (std::size_t i = 0; i < building.graph.edges.size(); ++i) {
    building.planned_of_edge.push_back(static_cast<std::uint32_t>(building.planned.size()));
    planner.plan(building.graph.edges[i], combine(building.seed() + 11, i));
  }
  building.planned_of_edge.push_back(static_cast<std::uint32_t>(building.planned.size()));
}

void build_adjacencies(Building& building) {
  Internet& internet = building.internet;
  const std::vector<AsEdge>& edges = building.graph.edges;
  for (const AsEdge& edge : edges) {
    ++internet.ases[edge.a].adjacencies;
    ++internet.ases[edge.b].adjacencies;
  }
  std::uint32_t next = 0;
  for (As& as : internet.ases) {
    as.first_adjacency = next;
    next += as.adjacencies;
    as.adjacencies = 0;
  }
  internet.adjacencies.resize(next);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const AsEdge& edge = edges[i];
    As& a = internet.ases[edge.a];
    As& b = internet.ases[edge.b];
    const std::uint32_t first = building.planned_of_edge[i];
    const auto count = static_cast<std::uint8_t>(building.planned_of_edge[i + 1] - first);
    // Both ends of planned link n stand at n * 2 and n * 2 + count of the edge's block.
    const Adjacency to_b{edge.b, first * 2, static_cast<std::uint16_t>(b.adjacencies), count,
                         edge.is_peering ? Relation::kPeer : Relation::kCustomer};
    const Adjacency to_a{edge.a, first * 2 + count, static_cast<std::uint16_t>(a.adjacencies),
                         count, edge.is_peering ? Relation::kPeer : Relation::kProvider};
    internet.adjacencies[a.first_adjacency + a.adjacencies++] = to_b;
    internet.adjacencies[b.first_adjacency + b.adjacencies++] = to_a;
  }
  internet.links.resize(building.planned.size() * 2);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const std::uint32_t first = building.planned_of_edge[i];
    const std::uint32_t count = building.planned_of_edge[i + 1] - first;
    for (std::uint32_t n = 0; n < count; ++n) {
      const PlannedLink& plan = building.planned[first + n];
      const Pop& pop_a = internet.pops[internet.ases[plan.a].first_pop + plan.pop_a];
      const Pop& pop_b = internet.pops[internet.ases[plan.b].first_pop + plan.pop_b];
      const std::uint32_t delay = internet.distances.delay_ns(pop_a.city, pop_b.city);
      internet.links[first * 2 + n] = {plan.group_a, plan.group_b, 0, 0, delay, plan.pop_a};
      internet.links[first * 2 + count + n] = {plan.group_b, plan.group_a, 0, 0, delay, plan.pop_b};
    }
  }
}

}  // namespace backsight::sim
