#include "sim/routing/core.h"

#include <algorithm>

#include "sim/routing/policy.h"

namespace backsight::sim {
namespace {

constexpr std::size_t kFewNeighbours = 16;

}  // namespace

Core::Core(const Internet& internet, std::uint64_t seed) {
  choose_members(internet, seed);
  for (const auto& [as, first, ranks] : members_) {
    for (const Relation relation : {Relation::kProvider, Relation::kPeer}) {
      firsts_.push_back(static_cast<std::uint32_t>(edges_.size()));
      const auto neighbours = internet.neighbours(as);
      for (std::uint16_t own = 0; own < neighbours.size(); ++own) {
        const Adjacency& it = neighbours[own];
        if (it.relation != relation || places_[it.neighbour] == kNone) continue;
        edges_.push_back(
            {places_[it.neighbour], preference(internet, as, own, seed, 0), it.twin, own});
      }
    }
  }
  firsts_.push_back(static_cast<std::uint32_t>(edges_.size()));
  sort_downwards();
  std::vector<bool> is_passed(members_.size());
  for (const std::uint32_t place : downwards_) {
    for (const Edge& provider : providers(place)) {
      has_circles_ = has_circles_ || !is_passed[provider.place];
    }
    is_passed[place] = true;
  }
}

void Core::choose_members(const Internet& internet, std::uint64_t seed) {
  std::vector<std::pair<std::size_t, AsIndex>> chosen;  // by customers
  for (AsIndex as = 0; as < internet.ases.size(); ++as) {
    const auto neighbours = internet.neighbours(as);
    const auto customers =
        std::count_if(neighbours.begin(), neighbours.end(),
                      [](const Adjacency& it) { return it.relation == Relation::kCustomer; });
    if (customers == 0 && neighbours.size() <= kFewNeighbours) continue;
    chosen.emplace_back(customers, as);
  }
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  places_.assign(internet.ases.size(), kNone);
  for (const auto& [customers, as] : chosen) {
    places_[as] = static_cast<std::uint32_t>(members_.size());
    members_.push_back({as, internet.ases[as].first_adjacency, ranks_providers(as, seed)});
  }
}

// Depth first, without recursion: a place follows when all its providers have.
void Core::sort_downwards() {
  std::vector<std::size_t> visited(members_.size());  // providers looked at, plus 1
  std::vector<std::uint32_t> stack;
  for (const std::uint32_t start : places_) {
    if (start == kNone || visited[start] != 0) continue;
    visited[start] = 1;
    stack.push_back(start);
    while (!stack.empty()) {
      const std::uint32_t place = stack.back();
      const auto above = providers(place);
      if (visited[place] > above.size()) {
        downwards_.push_back(place);
        stack.pop_back();
        continue;
      }
      const std::uint32_t provider = above[visited[place]++ - 1].place;
      if (visited[provider] != 0) continue;
      visited[provider] = 1;
      stack.push_back(provider);
    }
  }
}

}  // namespace backsight::sim
