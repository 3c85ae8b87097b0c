// Draws an AS graph: a clique of tier-1s, large and small transit providers, stubs that buy from
// near and popular ones (preferential attachment), and peering where networks share a city.
#include <algorithm>
#include <unordered_set>

#include "sim/draw.h"
#include "sim/topology/as_graph.h"
#include "sim/topology/placement.h"

namespace backsight::sim {
namespace {

// Shares of all ASes, after CAIDA's AS classes: about 15% sell transit.
constexpr double kLargeShare = 0.015;
constexpr double kSmallShare = 0.135;
constexpr double kContentShare = 0.004;
constexpr double kNearProvider = 0.90;  // providers are chosen in the own region
constexpr double kTransitEverywhere = 0.5;
constexpr double kContentSeeks = 40;  // peers of a content network at one exchange, at most

// The first tickets of a provider among those who choose one: how likely it sells before anybody
// has bought.
constexpr std::uint32_t tickets_of(Size size) {
  return size == Size::kTier1 ? 24 : size == Size::kLarge ? 12 : 2;
}

class Generator {
 public:
  Generator(std::uint32_t ases, std::uint64_t seed) : random_(seed), tickets_(kRegions + 1) {
    graph_.nodes.resize(ases);
  }

  AsGraph run() {
    name_and_place();
    connect_tier1s();
    for (AsIndex i = 0; i < graph_.nodes.size(); ++i) {
      buy(i);
      if (sells(i)) offer(i, tickets_of(graph_.nodes[i].size));
    }
    gather_members();
    for (AsIndex i = tier1s_; i < graph_.nodes.size(); ++i) peer(i);
    return std::move(graph_);
  }

 private:
  [[nodiscard]] bool sells(AsIndex i) const { return graph_.nodes[i].size <= Size::kSmall; }
  [[nodiscard]] Region region_of(AsIndex i) const {
    return cities()[graph_.nodes[i].cities.front()].region;
  }

  void name_and_place() {
    const auto count = static_cast<double>(graph_.nodes.size());
    tier1s_ = std::clamp(static_cast<std::uint32_t>(count / 700), 8U, 16U);
    const auto larges = tier1s_ + static_cast<std::uint32_t>(count * kLargeShare);
    const auto smalls = larges + static_cast<std::uint32_t>(count * kSmallShare);
    const auto contents = smalls + static_cast<std::uint32_t>(count * kContentShare);
    std::uint32_t number = 100;
    for (AsIndex i = 0; i < graph_.nodes.size(); ++i) {
      AsNode& node = graph_.nodes[i];
      node.size = i < tier1s_    ? Size::kTier1
                  : i < larges   ? Size::kLarge
                  : i < smalls   ? Size::kSmall
                  : i < contents ? Size::kContent
                                 : Size::kStub;
      node.cities = placement_.cities_of(node.size, placement_.any_city(random_), random_);
      number += number == 23'455 ? 2 : 1;      // AS_TRANS (RFC 6793)
      if (number == 64'496) number = 131'072;  // documentation and private use (RFC 5398, 6996)
      node.number = number;
    }
  }

  bool connect(AsIndex a, AsIndex b, bool is_peering) {
    const std::uint64_t pair = std::uint64_t{std::min(a, b)} << 32 | std::max(a, b);
    if (a == b || !pairs_.insert(pair).second) return false;
    graph_.edges.push_back({a, b, is_peering});
    return true;
  }

  void connect_tier1s() {
    for (AsIndex a = 0; a < tier1s_; ++a) {
      for (AsIndex b = a + 1; b < tier1s_; ++b) connect(a, b, true);
    }
  }

  // Puts a provider into the draw of each region it is present in, and into that of the world.
  void offer(AsIndex provider, std::uint32_t tickets) {
    std::array<bool, kRegions> is_present{};
    for (const CityId city : graph_.nodes[provider].cities) {
      is_present[static_cast<std::size_t>(cities()[city].region)] = true;
    }
    for (std::size_t region = 0; region < kRegions; ++region) {
      if (is_present[region]) {
        tickets_[region].insert(tickets_[region].end(), tickets, provider);
      }
    }
    tickets_[kRegions].insert(tickets_[kRegions].end(), tickets, provider);
  }

  [[nodiscard]] std::uint32_t providers_wanted(Size size) {
    const double draw = random_.unit();
    switch (size) {
      case Size::kTier1:
        return 0;
      case Size::kLarge:
        return 2 + (draw > 0.4) + (draw > 0.75) + (draw > 0.92);
      case Size::kSmall:
        return 1 + (draw > 0.15) + (draw > 0.6) + (draw > 0.9);
      case Size::kContent:
        return 2 + (draw > 0.4) + (draw > 0.8);
      case Size::kStub:
        break;
    }
    return 1 + (draw > 0.32) + (draw > 0.80) + (draw > 0.95);
  }

  // Large ones buy from tier-1s, the others from whoever came before them and sells.
  void buy(AsIndex i) {
    const Size size = graph_.nodes[i].size;
    std::uint32_t wanted = providers_wanted(size);
    const auto home = static_cast<std::size_t>(region_of(i));
    for (std::uint32_t tries = 0; wanted > 0 && tries < 40; ++tries) {
      AsIndex provider = 0;
      if (size == Size::kLarge) {
        provider = random_.below(tier1s_);
      } else {
        const bool is_near = random_.chance(kNearProvider) && !tickets_[home].empty();
        const auto& tickets = tickets_[is_near ? home : kRegions];
        provider = tickets[random_.below(tickets.size())];
        // The smallest customers seldom buy from the largest providers.
        if (size == Size::kStub && graph_.nodes[provider].size == Size::kTier1 &&
            !random_.chance(kTransitEverywhere)) {
          continue;
        }
      }
      if (!connect(provider, i, false)) continue;
      offer(provider, 1);
      --wanted;
    }
  }

  // An exchange in each city; who joins one depends on the size.
  [[nodiscard]] static double joins(Size size) {
    switch (size) {
      case Size::kTier1:
        return 0.0;
      case Size::kLarge:
        return 0.8;
      case Size::kSmall:
        return 0.75;
      case Size::kContent:
        return 1.0;
      case Size::kStub:
        break;
    }
    return 0.22;
  }

  void gather_members() {
    members_.resize(cities().size());
    exchanges_of_.resize(graph_.nodes.size());
    for (AsIndex i = 0; i < graph_.nodes.size(); ++i) {
      for (const CityId city : graph_.nodes[i].cities) {
        if (!random_.chance(joins(graph_.nodes[i].size))) continue;
        members_[city].push_back(i);
        exchanges_of_[i].push_back(city);
      }
    }
  }

  // Peers by size: content networks seek them, stubs take what the route server gives.
  void peer(AsIndex i) {
    for (const CityId city : exchanges_of_[i]) {
      const auto& members = members_[city];
      const double draw = random_.unit();
      const Size size = graph_.nodes[i].size;
      const double seeks = size == Size::kContent
                               ? std::min(0.35 * static_cast<double>(members.size()), kContentSeeks)
                           : size == Size::kLarge ? 24 * draw
                           : size == Size::kSmall ? 20 * draw
                                                  : 6 * draw;
      for (auto n = static_cast<std::uint32_t>(seeks); n > 0; --n) {
        const AsIndex other = members[random_.below(members.size())];
        connect(i, other, true);
      }
    }
  }

  Random random_;
  Placement placement_;
  AsGraph graph_;
  std::uint32_t tier1s_ = 0;
  std::unordered_set<std::uint64_t> pairs_;
  std::vector<std::vector<AsIndex>> tickets_;  // of each region, then of the world
  std::vector<std::vector<AsIndex>> members_;  // of each city's exchange
  std::vector<std::vector<CityId>> exchanges_of_;
};

}  // namespace

AsGraph generate_as_graph(std::uint32_t ases, std::uint64_t seed) {
  return Generator(ases, combine(seed, 0x6765'6e65)).run();
}

}  // namespace backsight::sim
