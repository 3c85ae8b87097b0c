#include "sim/routing/policy.h"

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::uint32_t kReordersOneIn = 24;  // ASes that order anew in an unusual period
constexpr double kPrependers = 0.50;          // of ASes with several providers: to all but one
constexpr std::uint8_t kPrepended = 3;
constexpr double kRankers = 0.22;
constexpr double kHonouredMetrics = 1.0;

}  // namespace

bool orders_anew(AsIndex as, std::uint32_t variant) noexcept {
  return variant != 0 && below(combine(variant, as), kReordersOneIn) == 0;
}

std::uint32_t preference(const Internet& internet, AsIndex as, std::uint16_t adjacency,
                         std::uint64_t seed, std::uint32_t variant) noexcept {
  const AsIndex neighbour = internet.neighbours(as)[adjacency].neighbour;
  std::uint64_t draw = combine(seed + 61, std::uint64_t{as} << 32 | neighbour);
  if (orders_anew(as, variant)) draw = combine(draw, variant);
  return static_cast<std::uint32_t>(draw >> 32);
}

std::uint8_t announced_length(const Internet& internet, AsIndex destination,
                              std::uint16_t adjacency, std::uint64_t seed,
                              std::uint32_t variant) noexcept {
  const auto neighbours = internet.neighbours(destination);
  if (neighbours[adjacency].relation != Relation::kProvider) return 1;
  std::uint32_t providers = 0;
  std::uint32_t place = 0;  // among them
  for (std::uint16_t i = 0; i < neighbours.size(); ++i) {
    if (neighbours[i].relation != Relation::kProvider) continue;
    if (i == adjacency) place = providers;
    ++providers;
  }
  if (providers == 1) return 1;
  if (variant != 0 && below(combine(variant, 1), providers) == place) return 0;
  const std::uint64_t draw = combine(seed + 62, destination);
  if (unit(draw) >= kPrependers || below(mix(draw), providers) == place) return 1;
  return 1 + kPrepended;
}

bool ranks_providers(AsIndex as, std::uint64_t seed) noexcept {
  return unit(combine(seed + 63, as)) < kRankers;
}

bool honours_metrics(AsIndex as, AsIndex customer, std::uint64_t seed) noexcept {
  const std::uint64_t pair = std::uint64_t{as} << 32 | customer;
  return unit(combine(seed + 91, pair)) < kHonouredMetrics;
}

}  // namespace backsight::sim
