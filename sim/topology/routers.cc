// Routers of each point of presence, by the size of the AS and the number of links that end there.
#include <algorithm>

#include "sim/topology/building.h"

namespace backsight::sim {
namespace {

struct Shape {
  std::uint8_t core_width;
  std::uint16_t borders;
  std::uint8_t accesses;
};

std::uint8_t width_of(double draw, double two, double four) {
  return draw < four ? 4 : draw < four + two ? 2 : 1;
}

Shape shape_of(Size size, std::uint32_t links, Random& random) {
  const double draw = random.unit();
  const double width = random.unit();
  const auto borders = [&](std::uint32_t each) {
    return static_cast<std::uint16_t>(std::max(1U, (links + each - 1) / each));
  };
  switch (size) {
    case Size::kStub:
      if (draw < 0.35) return {1, 0, 0};  // one router
      if (draw < 0.80) return {1, 0, 1};  // a border router and one behind it
      return {width_of(width, 0.35, 0.0), 1, 1};
    case Size::kSmall:
      if (draw < 0.30) return {1, 0, 1};
      return {width_of(width, 0.25, 0.0), borders(10), 1};
    case Size::kContent:
    case Size::kLarge:
      return {width_of(width, 0.30, 0.08), borders(12), 1};
    case Size::kTier1:
      break;
  }
  return {width_of(width, 0.35, 0.12), borders(16), 2};
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
    for (std::uint32_t i = 0; i < shape.borders; ++i) {
      const GroupId group = add_group(index, pop_index, pop.core, 1, number);
      if (i == 0) pop.first_border = group;
    }
    for (std::uint32_t i = 0; i < shape.accesses; ++i) {
      const GroupId group = add_group(index, pop_index, pop.core, 1, number);
      if (i == 0) pop.first_access = group;
    }
  }

  // `core` is kNone for the core group itself.
  GroupId add_group(AsIndex index, std::uint8_t pop, GroupId core, std::uint8_t width,
                    std::uint32_t& number) {
    const auto id = static_cast<GroupId>(internet_.groups.size());
    const auto router = static_cast<RouterId>(internet_.group_of_router.size());
    internet_.groups.push_back({router, number, index, core == kNone ? id : core, width, pop});
    internet_.group_of_router.insert(internet_.group_of_router.end(), width, id);
    if (core != kNone) {
      internet_.ranges.push_back({number, core, id});
      number += internet_.groups[core].width * std::uint32_t{width};
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

GroupId access_group(const Internet& internet, AsIndex as, Ipv4Addr address,
                     std::uint64_t seed) noexcept {
  const As& owner = internet.ases[as];
  const std::uint64_t draw = combine(seed + 23, address.value >> 8);
  const Pop& pop = internet.pops[owner.first_pop + below(draw, owner.pops)];
  return pop.accesses == 0 ? pop.core : pop.first_access + below(mix(draw), pop.accesses);
}

}  // namespace backsight::sim
