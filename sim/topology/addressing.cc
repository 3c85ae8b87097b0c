// Who has which addresses. Each AS gets blocks for its routers, then prefixes for its hosts;
// vantage points get a /24 each, exchanges a LAN.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "config/lists/deny_list.h"
#include "sim/topology/building.h"

namespace backsight::sim {
namespace {

constexpr std::uint32_t kPrivateBase = 0x0a000000;  // 10/8

// Hands out aligned blocks of the address space, from its start on.
class Space {
 public:
  explicit Space(std::span<const Ipv4Prefix> space) : space_(space.begin(), space.end()) {
    std::sort(space_.begin(), space_.end());
    cursor_ = space_.front().base.value;
  }

  // A block of 2^(32 - length) addresses without special-purpose ones; kNone: there is none left.
  std::uint32_t take(std::uint8_t length) {
    const std::uint64_t size = std::uint64_t{1} << (32 - length);
    while (at_ < space_.size()) {
      const Ipv4Prefix& range = space_[at_];
      const std::uint64_t end =
          std::uint64_t{range.base.value} + (std::uint64_t{1} << (32 - range.length));
      const std::uint64_t base =
          (std::max<std::uint64_t>(cursor_, range.base.value) + size - 1) / size * size;
      if (base + size > end) {
        if (++at_ < space_.size()) cursor_ = space_[at_].base.value;
        continue;
      }
      cursor_ = base + size;
      const Ipv4Prefix block{{static_cast<std::uint32_t>(base)}, length};
      if (!special_.overlaps(block)) return block.base.value;
    }
    return kNone;
  }
  // The first address that nobody has.
  [[nodiscard]] std::uint64_t end() const noexcept { return cursor_; }

 private:
  std::vector<Ipv4Prefix> space_;
  config::PrefixSet special_{config::bogons()};
  std::size_t at_ = 0;
  std::uint64_t cursor_;
};

// Lengths and number of the prefixes that an AS of that size announces for hosts.
std::vector<std::uint8_t> prefix_lengths(Size size, Random& random) {
  std::uint32_t count = 0;
  std::uint8_t longest = 24;
  std::uint32_t spread = 0;
  switch (size) {
    case Size::kTier1:
      count = random.between(8, 16), longest = 22, spread = 5;
      break;
    case Size::kLarge:
      count = random.between(4, 10), longest = 23, spread = 5;
      break;
    case Size::kSmall:
      count = random.between(2, 4), spread = 3;
      break;
    case Size::kContent:
      count = random.between(3, 8), spread = 3;
      break;
    case Size::kStub:
      count = 1 + random.chance(0.4) + random.chance(0.15), spread = 3;
      break;
  }
  std::vector<std::uint8_t> lengths;
  for (std::uint32_t i = 0; i < count; ++i) {
    // The square makes short prefixes rare.
    const double draw = random.unit();
    const auto shorter = static_cast<std::uint32_t>(draw * draw * (spread + 1));
    lengths.push_back(static_cast<std::uint8_t>(longest - shorter));
  }
  std::sort(lengths.begin(), lengths.end());
  return lengths;
}

// The shortest prefix whose block holds so many addresses; /24 at the longest.
std::uint8_t length_for(std::uint32_t addresses) {
  const auto bits = static_cast<unsigned>(std::bit_width(std::max(addresses, 256U) - 1));
  return static_cast<std::uint8_t>(32 - bits);
}

class Plan {
 public:
  explicit Plan(Building& building)
      : building_(building),
        internet_(building.internet),
        space_(building.config.topology.address_space) {}

  Expected<void> run() {
    for (std::size_t i = 0; i < internet_.vantage_points.size(); ++i) give_vantage_point(i);
    for (AsIndex i = 0; i < internet_.ases.size(); ++i) give_as(i);
    number_links();
    give_exchanges();
    if (is_short_) {
      return bad_usage(fmt::format(
          "topology.address_space is too small for {} ASes; write more or shorter prefixes, "
          "such as 16.0.0.0/4",
          internet_.ases.size()));
    }
    mark_all();
    return {};
  }

 private:
  struct Mark {
    std::uint32_t base;
    std::uint8_t length;
    Slash24 use;
  };

  std::uint32_t take(std::uint8_t length, Use use, std::uint32_t owner) {
    const std::uint32_t base = space_.take(length);
    if (base == kNone) is_short_ = true;
    marks_.push_back({base, length, {use, owner, kNone}});
    return base;
  }

  // The link of a vantage point and its gateway.
  void give_vantage_point(std::size_t i) {
    VantagePoint& vp = internet_.vantage_points[i];
    const std::uint32_t base = take(24, Use::kVantagePoint, static_cast<std::uint32_t>(i));
    vp.gateway = {base + 1};
    vp.address = {base + 10};
    vp.prefix_length = 24;
    vp_prefixes_.push_back({{{base}, 24}, vp.as});
  }

  void give_as(AsIndex index) {
    As& as = internet_.ases[index];
    Random random(combine(building_.seed() + 41, as.number));
    as.first_prefix = static_cast<std::uint32_t>(internet_.prefixes.size());
    const std::uint32_t internal = internal_links(as) * 4;
    const std::uint32_t external = hosted_[index] * 4;
    const std::uint32_t routers = router_count(index);
    const bool is_private = is_private_[index];
    const std::uint8_t length = length_for((is_private ? 0 : internal) + external + routers);
    std::uint32_t base = take(length, Use::kRouters, index);
    internet_.prefixes.push_back({{{base}, length}, index});
    as.internal_base = is_private ? kPrivateBase + (random.below(1U << 12) << 12) : base;
    if (!is_private) base += internal;
    as.external_base = base;
    as.loopback_base = base + external;
    for (const std::uint8_t hosts : prefix_lengths(as.size, random)) {
      const std::uint32_t block = take(hosts, Use::kHosts, index);
      internet_.prefixes.push_back({{{block}, hosts}, index});
    }
    for (const Prefix& vp : vp_prefixes_) {
      if (vp.as == index) internet_.prefixes.push_back(vp);
    }
    as.prefixes = static_cast<std::uint16_t>(internet_.prefixes.size() - as.first_prefix);
    std::sort(internet_.prefixes.begin() + as.first_prefix, internet_.prefixes.end(),
              [](const Prefix& a, const Prefix& b) { return a.prefix < b.prefix; });
  }

  [[nodiscard]] std::uint32_t internal_links(const As& as) const {
    if (as.ranges == 0) return 0;
    const InternalRange& last = internet_.ranges[as.first_range + as.ranges - 1];
    return last.first +
           std::uint32_t{internet_.groups[last.lower].width} * internet_.groups[last.upper].width;
  }
  [[nodiscard]] std::uint32_t router_count(AsIndex index) const {
    const std::size_t end = index + 1 < internet_.ases.size()
                                ? internet_.ases[index + 1].first_router
                                : internet_.group_of_router.size();
    return static_cast<std::uint32_t>(end) - internet_.ases[index].first_router;
  }

  // Other links carry the addresses of one of their ASes.
  void number_links() {
    for_each_planned([this](const PlannedLink& plan, std::uint32_t end_a, std::uint32_t end_b) {
      if (plan.crosses_exchange) return;
      As& as = internet_.ases[plan.numbered_by()];
      const std::uint32_t base = as.external_base + 4 * as.hosted;
      const std::uint32_t near = plan.is_numbered_by_b ? end_b : end_a;
      set_addresses(near, near == end_a ? end_b : end_a, base + 1, base + 2);
      internet_.hosted[as.first_hosted + as.hosted++] = near;
    });
  }

  void set_addresses(std::uint32_t near, std::uint32_t far, std::uint32_t at_a,
                     std::uint32_t at_b) {
    internet_.links[near].address_here = internet_.links[far].address_there = at_a;
    internet_.links[far].address_here = internet_.links[near].address_there = at_b;
  }

  // One interface of each border router that peers there.
  void give_exchanges() {
    struct Crossing {
      std::uint32_t near;  // in Internet::links
      std::uint32_t far;
    };
    internet_.exchanges.resize(cities().size());
    std::vector<std::vector<Crossing>> crossings(cities().size());
    std::vector<std::uint32_t> place(internet_.groups.size(), kNone);
    for_each_planned([&](const PlannedLink& plan, std::uint32_t near, std::uint32_t far) {
      if (!plan.crosses_exchange) return;
      const CityId city = internet_.pop_of(internet_.groups[plan.group_a]).city;
      std::vector<GroupId>& interfaces = internet_.exchanges[city].interfaces;
      for (const GroupId group : {plan.group_a, plan.group_b}) {
        if (place[group] != kNone) continue;
        place[group] = static_cast<std::uint32_t>(interfaces.size());
        interfaces.push_back(group);
      }
      crossings[city].push_back({near, far});
    });
    for (std::size_t city = 0; city < crossings.size(); ++city) {
      Exchange& exchange = internet_.exchanges[city];
      if (exchange.interfaces.empty()) continue;
      const auto members = static_cast<std::uint32_t>(exchange.interfaces.size());
      const std::uint8_t length = length_for(members + 2);
      const std::uint32_t base = take(length, Use::kExchange, static_cast<std::uint32_t>(city));
      exchange.lan = {{base}, length};
      for (const Crossing& crossing : crossings[city]) {
        const Link& near = internet_.links[crossing.near];
        set_addresses(crossing.near, crossing.far, base + 1 + place[near.here],
                      base + 1 + place[near.there]);
      }
    }
  }

  // Calls `visit` with each planned link and the places of its ends in Internet::links.
  template <typename Visit>
  void for_each_planned(Visit visit) {
    for (std::size_t edge = 0; edge + 1 < building_.planned_of_edge.size(); ++edge) {
      const std::uint32_t first = building_.planned_of_edge[edge];
      const std::uint32_t count = building_.planned_of_edge[edge + 1] - first;
      for (std::uint32_t n = 0; n < count; ++n) {
        visit(building_.planned[first + n], first * 2 + n, first * 2 + count + n);
      }
    }
  }

  void give_access(std::uint32_t index) {
    Slash24& block = internet_.slash24[index];
    const Ipv4Addr base{(internet_.first_slash24 + index) << 8};
    if (block.use == Use::kVantagePoint) {
      block.access = internet_.vantage_points[block.owner].group;
    } else if (block.use != Use::kExchange) {
      block.access = draw_access_group(internet_, block.owner, base, building_.seed());
    }
  }

  void mark_all() {
    internet_.first_slash24 = kNone;
    std::uint32_t last = 0;
    for (const Mark& mark : marks_) {
      internet_.first_slash24 = std::min(internet_.first_slash24, mark.base >> 8);
      last = std::max(last, (mark.base + ((1U << (32 - mark.length)) - 1)) >> 8);
    }
    internet_.slash24.resize(last - internet_.first_slash24 + 1);
    for (const Mark& mark : marks_) {
      const std::uint32_t first = (mark.base >> 8) - internet_.first_slash24;
      const std::uint32_t count = 1U << (24 - mark.length);
      std::fill_n(internet_.slash24.begin() + first, count, mark.use);
      for (std::uint32_t i = first; i < first + count; ++i) give_access(i);
    }
  }

 public:
  // Counts what each AS's own addresses are needed for.
  void count() {
    hosted_.assign(internet_.ases.size(), 0);
    is_private_.assign(internet_.ases.size(), false);
    for (const PlannedLink& link : building_.planned) {
      if (!link.crosses_exchange) ++hosted_[link.numbered_by()];
    }
    std::uint32_t next = 0;
    for (AsIndex i = 0; i < internet_.ases.size(); ++i) {
      internet_.ases[i].first_hosted = next;
      next += hosted_[i];
      const double draw = unit(combine(building_.seed() + 42, internet_.ases[i].number));
      is_private_[i] = draw < building_.config.behaviour.ases_number_privately;
    }
    internet_.hosted.resize(next);
  }

 private:
  Building& building_;
  Internet& internet_;
  Space space_;
  bool is_short_ = false;
  std::vector<Mark> marks_;
  std::vector<Prefix> vp_prefixes_;
  std::vector<std::uint32_t> hosted_;  // links with addresses of each AS
  std::vector<bool> is_private_;
};

}  // namespace

Expected<void> assign_addresses(Building& building) {
  Plan plan(building);
  plan.count();
  return plan.run();
}

}  // namespace backsight::sim
