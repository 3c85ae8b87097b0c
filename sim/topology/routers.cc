// Routers of each point of presence, by the size of the AS and the number of links that end there.
#include <algorithm>
#include <initializer_list>

#include "sim/topology/building.h"

namespace backsight::sim {
namespace {

constexpr double kTwinsBelowCore = 0.04;

// A point of presence: core, borders, and below the core `depth` groups one under the other, the
// last of them `accesses` times.
struct Shape {
  std::uint8_t core_width = 1;
  std::uint16_t borders = 0;
  std::uint8_t depth = 0;
  std::uint8_t accesses = 0;
};

std::uint8_t width_of(double draw, double two, double four = 0) {
  return draw < four ? 4 : draw < four + two ? 2 : 1;
}

std::uint8_t one_of(double draw, std::initializer_list<double> shares) {
  std::uint8_t choice = 0;
  for (const double share : shares) {
    if ((draw -= share) < 0) break;
    ++choice;
  }
  return choice;
}

Shape shape_of(Size size, std::uint32_t links, Random& random) {
  const double depth = random.unit();
  const double border = random.unit();
  const double width = random.unit();
  // Borders of their own, each for so many links, or else the core is the border.
  const auto borders = [&](double share, std::uint32_t each, std::uint32_t least) {
    if (border >= share) return std::uint16_t{0};
    return static_cast<std::uint16_t>(std::max(least, (links + each - 1) / each));
  };
  Shape shape;
  switch (size) {
    case Size::kStub:
      shape = {1, borders(links > 1 ? 1.0 : 0.1, 1, 1), one_of(depth, {0.22, 0.33, 0.28}), 1};
      break;
    case Size::kSmall:
      shape = {1, borders(0.9, 4, 2), one_of(depth, {0.0, 0.35, 0.4}), 2};
      break;
    case Size::kContent:
    case Size::kLarge:
      shape = {1, borders(0.8, 12, 2), one_of(depth, {0.0, 0.25, 0.45}), 3};
      break;
    case Size::kTier1:
      shape = {1, borders(0.8, 16, 2), one_of(depth, {0.0, 0.5}), 2};
      break;
  }
  if (shape.depth == 0) shape.accesses = 0;
  // What hosts or links to others end at has no twin.
  if (shape.depth != 0 && shape.borders != 0) shape.core_width = width_of(width, 0.10, 0.02);
  return shape;
}

class Builder {
 public:
  explicit Builder(Building& building)
      : building_(building), internet_(building.internet), ends_(internet_.pops.size()) {
    for (const PlannedLink& link : building.planned) {
      ++ends_[internet_.ases[link.a].first_pop + link.pop_a];
      ++ends_[internet_.ases[link.b].first_pop + link.pop_b];
    }
  }

  void build(AsIndex index) {
    As& as = internet_.ases[index];
    as.first_group = static_cast<GroupId>(internet_.groups.size());
    as.first_router = static_cast<RouterId>(internet_.group_of_router.size());
    as.first_range = static_cast<std::uint32_t>(internet_.ranges.size());
    std::uint32_t number = 0;
    Random random(combine(building_.seed() + 21, as.number));
    for (std::uint8_t pop = 0; pop < as.pops; ++pop) build_pop(index, pop, number, random);
    build_backbone(building_, index, number);
    internet_.ases[index].ranges =
        static_cast<std::uint32_t>(internet_.ranges.size()) - internet_.ases[index].first_range;
  }

 private:
  void build_pop(AsIndex index, std::uint8_t pop_index, std::uint32_t& number, Random& random) {
    const As& as = internet_.ases[index];
    const PopId id = as.first_pop + pop_index;
    const Shape shape = shape_of(as.size, ends_[id], random);
    Pop& pop = internet_.pops[id];
    pop.borders = shape.borders;
    pop.accesses = shape.accesses;
    pop.core = add_group(index, pop_index, kNone, shape.core_width, number);
    pop.first_border = pop.first_access = pop.core;
    GroupId above = pop.core;
    for (std::uint8_t i = 1; i < shape.depth; ++i) {
      const std::uint8_t width = width_of(random.unit(), kTwinsBelowCore);
      above = add_group(index, pop_index, above, width, number);
    }
    for (std::uint32_t i = 0; i < shape.borders; ++i) {
      const GroupId group = add_group(index, pop_index, pop.core, 1, number);
      if (i == 0) pop.first_border = group;
    }
    for (std::uint32_t i = 0; i < shape.accesses; ++i) {
      const GroupId group = add_group(index, pop_index, above, 1, number);
      if (i == 0) pop.first_access = group;
    }
  }

  // `above` is kNone for a core group.
  GroupId add_group(AsIndex index, std::uint8_t pop, GroupId above, std::uint8_t width,
                    std::uint32_t& number) {
    const auto id = static_cast<GroupId>(internet_.groups.size());
    const auto router = static_cast<RouterId>(internet_.group_of_router.size());
    internet_.groups.push_back({router, number, index, above == kNone ? id : above, width, pop});
    internet_.group_of_router.insert(internet_.group_of_router.end(), width, id);
    if (above != kNone) {
      internet_.ranges.push_back({number, above, id});
      number += internet_.groups[above].width * std::uint32_t{width};
    }
    return id;
  }

  Building& building_;
  Internet& internet_;
  std::vector<std::uint32_t> ends_;  // of links to other ASes, in each pop
};

GroupId border_of(const Internet& internet, AsIndex as, std::uint8_t pop_index,
                  std::uint64_t draw) {
  const Pop& pop = internet.pops[internet.ases[as].first_pop + pop_index];
  return pop.borders == 0 ? pop.core : pop.first_border + below(draw, pop.borders);
}

}  // namespace

void build_routers(Building& building) {
  Builder builder(building);
  for (AsIndex i = 0; i < building.internet.ases.size(); ++i) builder.build(i);
  for (std::size_t i = 0; i < building.planned.size(); ++i) {
    PlannedLink& link = building.planned[i];
    const std::uint64_t draw = combine(building.seed() + 22, i);
    link.group_a = border_of(building.internet, link.a, link.pop_a, draw);
    link.group_b = border_of(building.internet, link.b, link.pop_b, mix(draw));
  }
}

GroupId draw_access_group(const Internet& internet, AsIndex as, Ipv4Addr address,
                          std::uint64_t seed) noexcept {
  const As& owner = internet.ases[as];
  const std::uint64_t draw = combine(seed + 23, address.value >> 8);
  const Pop& pop = internet.pops[owner.first_pop + below(draw, owner.pops)];
  return pop.accesses == 0 ? pop.core : pop.first_access + below(mix(draw), pop.accesses);
}

}  // namespace backsight::sim
