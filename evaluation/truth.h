// What is true of a path, and how a measured one compares.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "controller/annotation/prefix_table.h"
#include "controller/reverse_path.h"
#include "evaluation/evaluation.h"
#include "sim/world.h"

namespace backsight::evaluation {

class Truth {
 public:
  // `prefixes` are what all addresses are looked up in, as users do.
  Truth(sim::World& world, const controller::PrefixTable& prefixes);

  // Adds the path to the scores.
  void score(const controller::ReversePath& path, std::uint64_t at_ns, Evaluation& into);

 private:
  sim::World& world_;
  const controller::PrefixTable& prefixes_;
  std::unordered_map<std::uint32_t, sim::RouterId> router_of_;  // by interface
};

}  // namespace backsight::evaluation
