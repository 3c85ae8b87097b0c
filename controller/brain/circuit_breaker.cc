#include "controller/brain/circuit_breaker.h"

#include <algorithm>

#include "probes/ip/network.h"

namespace backsight::controller {

namespace {

constexpr std::uint32_t kMostOf24 = 6;
constexpr std::uint32_t kMostOfPrefix = 32;
constexpr std::uint32_t kMostOfAs = 256;
constexpr SteadyNs kFirstPause = kMinute;
constexpr std::uint8_t kMostDoublings = 8;  // 4 hours

}  // namespace

template <typename Function>
void CircuitBreaker::for_each_area(probes::Ipv4Addr destination, Function function) const {
  function(Area{std::uint64_t{1} << 60 | probes::network_of(destination), kMostOf24});
  if (const auto origin = prefixes_.find(destination)) {
    function(Area{std::uint64_t{2} << 60 | std::uint64_t{origin->prefix.base.value} << 8 |
                      origin->prefix.length,
                  kMostOfPrefix});
    function(Area{std::uint64_t{3} << 60 | origin->asn, kMostOfAs});
  }
}

void CircuitBreaker::learn(probes::Ipv4Addr destination, bool answered, SteadyNs now) {
  for_each_area(destination, [&](const Area& area) {
    if (answered) {
      circuits_.erase(area.key);
      return;
    }
    Circuit& circuit = circuits_[area.key];
    if (circuit.last == destination && circuit.until == 0) return;  // the same again says nothing
    circuit.last = destination;
    if (++circuit.failures < area.most_failures) return;
    circuit.failures = area.most_failures;
    circuit.until = now + (kFirstPause << circuit.times);
    circuit.times =
        std::min<std::uint8_t>(static_cast<std::uint8_t>(circuit.times + 1), kMostDoublings);
  });
}

std::optional<SteadyNs> CircuitBreaker::try_pass(probes::Ipv4Addr destination, SteadyNs now) {
  std::optional<SteadyNs> until;
  for_each_area(destination, [&](const Area& area) {
    const auto at = circuits_.find(area.key);
    if (at == circuits_.end() || at->second.until == 0) return;
    if (now < at->second.until) {
      until = std::max(until.value_or(0), at->second.until);
    } else {
      at->second.until = now + kFirstPause;  // this one is the trial
    }
  });
  return until;
}

std::size_t CircuitBreaker::open(SteadyNs now) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(circuits_, [&](const auto& it) { return it.second.until > now; }));
}

}  // namespace backsight::controller
