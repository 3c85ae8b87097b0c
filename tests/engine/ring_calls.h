// What tests ask of an in-flight ring, by handle and one probe at a time.
#pragma once

#include <optional>

#include "engine/worker/inflight.h"

namespace backsight::engine {

// The handle that the next probe will carry; nothing when the ring is full.
inline std::optional<std::uint32_t> next_handle(InflightRing& ring) {
  std::uint32_t handle = 0;
  if (ring.reserve({&handle, 1}) == 0) return std::nullopt;
  return handle;
}

inline std::optional<Flight> find(const InflightRing& ring, unsigned worker, std::uint32_t handle,
                                  Tsc now) {
  const InflightRing::Place place = ring.place_of(handle);
  if (place.worker != worker) return std::nullopt;
  return ring.find(place, now);
}

inline Claim claim(InflightRing& ring, unsigned worker, std::uint32_t handle, const Flight& flight,
                   Tsc arrived) {
  const InflightRing::Place place = ring.place_of(handle);
  if (place.worker != worker) return Claim::kForeign;
  return ring.claim(place, flight, arrived);
}

}  // namespace backsight::engine
