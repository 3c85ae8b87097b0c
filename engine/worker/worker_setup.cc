#include "engine/worker/worker_setup.h"

#include <algorithm>

namespace backsight::engine {
namespace {

constexpr std::uint32_t kMaxPlaces = 1U << 22;

}  // namespace

ScheduleLimits limits_per_worker(const config::RatesConfig& rates, std::size_t workers) noexcept {
  const auto share = [workers](std::uint64_t pps) {
    return pps == 0 ? 0 : std::max<std::uint64_t>(1, pps / workers);
  };
  return {.options_pps = share(rates.rr_pps),
          .per_destination_pps = rates.per_destination_pps,
          .per_prefix24_pps = rates.per_prefix24_pps,
          .per_source_pps = share(rates.per_spoofed_source_pps)};
}

std::uint32_t schedule_places(const config::EngineConfig& engine,
                              const config::RatesConfig& rates) noexcept {
  const std::uint64_t waiting = std::uint64_t{engine.waiting} + engine.traces + 1024;
  std::uint64_t slowest = rates.per_destination_pps;
  if (const std::uint64_t prefix = rates.per_prefix24_pps; prefix != 0) {
    slowest = slowest == 0 ? prefix : std::min(slowest, prefix);
  }
  const std::uint64_t remembered = slowest == 0 ? 0 : 2 * rates.total_pps / slowest;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(waiting + remembered, kMaxPlaces));
}

}  // namespace backsight::engine
