#include "sim/topology/placement.h"

#include <algorithm>

namespace backsight::sim {
namespace {

struct Reach {
  std::uint32_t least_home;  // cities in the home region
  std::uint32_t most_home;
  std::uint32_t least_away;  // cities anywhere
  std::uint32_t most_away;
};

constexpr Reach reach_of(Size size) {
  switch (size) {
    case Size::kTier1:
      return {5, 8, 24, 36};
    case Size::kLarge:
      return {3, 7, 1, 6};
    case Size::kSmall:
      return {1, 3, 0, 1};
    case Size::kContent:
      return {3, 6, 6, 16};
    case Size::kStub:
      break;
  }
  return {1, 1, 0, 0};
}

constexpr double kStubsInTwoCities = 0.08;
constexpr double kSmallAbroad = 0.10;

void add(std::vector<CityId>& cities, CityId city) {
  if (std::find(cities.begin(), cities.end(), city) == cities.end()) cities.push_back(city);
}

}  // namespace

Placement::Placement() : tickets_of_region_(kRegions) {
  CityId id = 0;
  for (const City& city : cities()) {
    tickets_.insert(tickets_.end(), city.weight, id);
    hub_tickets_.insert(hub_tickets_.end(), city.weight * city.weight / 32U, id);
    auto& tickets = tickets_of_region_[static_cast<std::size_t>(city.region)];
    tickets.insert(tickets.end(), city.weight, id);
    ++id;
  }
}

CityId Placement::any_city(Random& random) const { return draw(tickets_, random); }

CityId Placement::hub(Random& random) const { return draw(hub_tickets_, random); }

CityId Placement::city_in(Region region, Random& random) const {
  return draw(tickets_of_region_[static_cast<std::size_t>(region)], random);
}

std::vector<CityId> Placement::cities_of(Size size, CityId home, Random& random) const {
  const Region region = cities()[home].region;
  std::vector<CityId> chosen{home};
  Reach reach = reach_of(size);
  if (size == Size::kStub && random.chance(kStubsInTwoCities))
    reach.least_home = reach.most_home = 2;
  if (size == Size::kSmall && !random.chance(kSmallAbroad)) reach.most_away = 0;
  const std::uint32_t near = random.between(reach.least_home, reach.most_home);
  const std::uint32_t away = random.between(reach.least_away, reach.most_away);
  // A draw may hit a city twice; a few cities less do no harm.
  for (std::uint32_t i = 1; i < near; ++i) add(chosen, city_in(region, random));
  for (std::uint32_t i = 0; i < away; ++i) add(chosen, hub(random));
  return chosen;
}

}  // namespace backsight::sim
