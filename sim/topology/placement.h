// In which cities an AS has routers.
#pragma once

#include <vector>

#include "sim/draw.h"
#include "sim/topology/as_graph.h"
#include "sim/topology/city.h"

namespace backsight::sim {

class Placement {
 public:
  Placement();
  [[nodiscard]] CityId any_city(Random& random) const;
  [[nodiscard]] CityId city_in(Region region, Random& random) const;
  // As any_city(), but mostly the few that everybody goes to.
  [[nodiscard]] CityId hub(Random& random) const;
  // The cities of an AS of that size whose home is `home`.
  [[nodiscard]] std::vector<CityId> cities_of(Size size, CityId home, Random& random) const;

 private:
  [[nodiscard]] static CityId draw(const std::vector<CityId>& tickets, Random& random) {
    return tickets[random.below(tickets.size())];
  }
  std::vector<CityId> tickets_;      // each city as often as it weighs
  std::vector<CityId> hub_tickets_;  // as often as the square of its weight says
  std::vector<std::vector<CityId>> tickets_of_region_;
};

}  // namespace backsight::sim
