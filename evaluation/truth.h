// What is true of a path, and how a measured one compares.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "controller/reverse_path.h"
#include "evaluation/evaluation.h"
#include "sim/world.h"

namespace backsight::evaluation {

class Truth {
 public:
  explicit Truth(sim::World& world);

  // Adds the path to the scores.
  void score(const controller::ReversePath& path, std::uint64_t at_ns, Evaluation& into);

 private:
  sim::World& world_;
  std::unordered_map<std::uint32_t, sim::RouterId> router_of_;  // by interface
};

}  // namespace backsight::evaluation
