// The lines between an AS's points of presence, and the shortest ways over them.
#include "sim/topology/building.h"

namespace backsight::sim {
namespace {

constexpr double kUnevenLines = 0.25;     // lines whose metric differs by direction
constexpr double kUnevenBy = 0.6;         // at most
constexpr std::uint16_t kHubWeight = 36;  // of a city

class Backbone {
 public:
  Backbone(Building& building, AsIndex index)
      : internet_(building.internet),
        as_(internet_.ases[index]),
        pops_(as_.pops),
        random_(combine(building.seed() + 31, as_.number)) {
    as_.backbone = static_cast<std::uint32_t>(internet_.next_pop.size());
    const std::size_t entries = pops_ * pops_;
    internet_.next_pop.resize(internet_.next_pop.size() + entries);
    internet_.igp_distance.resize(internet_.igp_distance.size() + entries, kNone);
    internet_.pop_link.resize(internet_.pop_link.size() + entries, kNone);
    for (std::size_t i = 0; i < pops_; ++i) {
      distance(i, i) = 0;
      next(i, i) = static_cast<std::uint8_t>(i);
    }
  }

  void build(std::uint32_t& number) {
    draw_lines(number);
    find_ways();
  }

 private:
  std::uint32_t& distance(std::size_t from, std::size_t to) {
    return internet_.igp_distance[as_.backbone + from * pops_ + to];
  }
  std::uint8_t& next(std::size_t from, std::size_t to) {
    return internet_.next_pop[as_.backbone + from * pops_ + to];
  }
  std::uint32_t& link(std::size_t from, std::size_t to) {
    return internet_.pop_link[as_.backbone + from * pops_ + to];
  }
  [[nodiscard]] const Pop& pop(std::size_t i) const { return internet_.pops[as_.first_pop + i]; }
  [[nodiscard]] std::uint32_t delay(std::size_t a, std::size_t b) const {
    return internet_.distances.delay_ns(pop(a).city, pop(b).city);
  }

  // REQUIRES: a < b.
  void add_line(std::size_t a, std::size_t b, std::uint32_t& number) {
    link(a, b) = link(b, a) = number;
    internet_.ranges.push_back({number, pop(a).core, pop(b).core});
    number +=
        std::uint32_t{internet_.groups[pop(a).core].width} * internet_.groups[pop(b).core].width;
    // In microseconds; a metric that is set by hand in one direction now and then.
    const std::uint32_t metric = delay(a, b) / 1000 + 50;
    const double stretch = random_.chance(kUnevenLines) ? 1 + kUnevenBy * random_.unit() : 1;
    distance(a, b) = metric;
    distance(b, a) = static_cast<std::uint32_t>(static_cast<double>(metric) * stretch);
    next(a, b) = static_cast<std::uint8_t>(b);
    next(b, a) = static_cast<std::uint8_t>(a);
  }

  // Between the largest cities lines are direct.
  [[nodiscard]] bool is_hub(std::size_t i) const {
    return cities()[pop(i).city].weight >= kHubWeight;
  }

  // The Gabriel graph: a line where no third place lies in the circle over it. It connects all, and
  // few ways over it are much longer than the great circle.
  void draw_lines(std::uint32_t& number) {
    const auto square = [this](std::size_t a, std::size_t b) {
      return std::uint64_t{delay(a, b)} * delay(a, b);
    };
    for (std::size_t a = 0; a < pops_; ++a) {
      for (std::size_t b = a + 1; b < pops_; ++b) {
        bool is_clear = true;
        const bool is_express = is_hub(a) && is_hub(b);
        for (std::size_t c = 0; c < pops_ && is_clear && !is_express; ++c) {
          is_clear = c == a || c == b || square(a, c) + square(c, b) >= square(a, b);
        }
        if (is_clear) add_line(a, b, number);
      }
    }
  }

  // Floyd and Warshall.
  void find_ways() {
    for (std::size_t via = 0; via < pops_; ++via) {
      for (std::size_t from = 0; from < pops_; ++from) {
        if (distance(from, via) == kNone) continue;
        for (std::size_t to = 0; to < pops_; ++to) {
          if (distance(via, to) == kNone) continue;
          const std::uint32_t sum = distance(from, via) + distance(via, to);
          if (sum >= distance(from, to)) continue;
          distance(from, to) = sum;
          next(from, to) = next(from, via);
        }
      }
    }
  }

  Internet& internet_;
  As& as_;
  std::size_t pops_;
  Random random_;
};

}  // namespace

void build_backbone(Building& building, AsIndex as, std::uint32_t& next_number) {
  Backbone(building, as).build(next_number);
}

}  // namespace backsight::sim
