// Prefixes and ASes in which nothing answers are left alone: after so many different destinations
// in vain, with no success between, nothing is measured there for a while but one trial. Thread:
// one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "controller/annotation/prefix_table.h"
#include "controller/now.h"
#include "probes/ip/address.h"

namespace backsight::controller {

class CircuitBreaker {
 public:
  explicit CircuitBreaker(const PrefixTable& prefixes) : prefixes_(prefixes) {}

  // A measurement from there ended: the destination, or nothing of it, answered.
  void learn(probes::Ipv4Addr destination, bool answered, SteadyNs now);

  // When a measurement from there may begin again; nothing: now. Who is told "now" while the
  // circuit is open is the trial, and the next one is told to wait.
  [[nodiscard]] std::optional<SteadyNs> try_pass(probes::Ipv4Addr destination, SteadyNs now);

  [[nodiscard]] std::size_t open(SteadyNs now) const;

 private:
  struct Circuit {
    std::uint32_t failures = 0;  // in a row
    std::uint8_t times = 0;      // opened
    SteadyNs until = 0;          // 0: closed
    probes::Ipv4Addr last;
  };
  struct Area {
    std::uint64_t key = 0;
    std::uint32_t most_failures = 0;
  };
  template <typename Function>
  void for_each_area(probes::Ipv4Addr destination, Function function) const;

  const PrefixTable& prefixes_;
  std::unordered_map<std::uint64_t, Circuit> circuits_;
};

}  // namespace backsight::controller
