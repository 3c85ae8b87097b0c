// Takes one packet along a path: every router on it counts down, stamps, limits or drops as it
// does.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "config/sim/world_config.h"
#include "sim/behaviour/traits.h"
#include "sim/draw.h"
#include "sim/packet/packet.h"
#include "sim/routing/path_finder.h"
#include "sim/topology/internet.h"

namespace backsight::sim {

// One packet's way and what it meets at its ends.
struct Trip {
  PathView path;
  FlowKey flow;
  std::uint64_t draw = 0;         // of this packet alone
  std::uint32_t host_in = 0;      // address of the first router's interface towards who sends
  std::uint32_t host_out = 0;     // address of the last router's interface towards who receives
  bool starts_at_router = false;  // which then is member `first_member` of the first stage
  bool ends_at_router = false;
  std::uint8_t first_member = 0;
  std::uint8_t last_member = 0;
};

// A place on a trip.
struct Place {
  GroupId group = kNone;
  std::uint8_t member = 0;
  RouterId router = kNone;
  std::uint32_t in = 0;  // addresses of the interfaces that the packet comes and goes by
  std::uint32_t out = 0;
};

enum class Passage : std::uint8_t { kArrived, kExpired, kOptionsDropped, kOptionsLimited };

struct Passed {
  Passage how;
  std::uint64_t at_ns;
  Place place;  // of kExpired
};

// What a router of this group and member is, coming from `before` and going to `after`.
[[nodiscard]] Place place_on(const Trip& trip, std::size_t stage, std::uint8_t before,
                             std::uint8_t member, std::uint8_t after) noexcept;
// Which member of a stage a packet of this trip takes.
[[nodiscard]] inline std::uint8_t member_at(const Trip& trip, std::size_t stage) noexcept {
  if (stage == 0 && trip.starts_at_router) return trip.first_member;
  if (stage + 1 == trip.path.stages.size() && trip.ends_at_router) return trip.last_member;
  const Stage& it = trip.path.stages[stage];
  if (it.width == 1) return 0;
  const std::uint64_t key = it.balancing == Balancing::kByFlow      ? trip.flow.ports
                            : it.balancing == Balancing::kByAddress ? trip.flow.addresses
                                                                    : trip.draw;
  return static_cast<std::uint8_t>(below(combine(key, it.group), it.width));
}

// The address that `place` shows where `shown` says which; 0: none.
[[nodiscard]] std::uint32_t shown_address(const Internet& internet, const Place& place,
                                          Shown shown) noexcept;

// Limits of so many events a second each. Events are counted in windows of a tenth of a second, of
// which the last eight are kept: packets reach a router in another order than they were sent in.
class Limits {
 public:
  Limits(std::size_t owners, std::uint32_t per_second);
  [[nodiscard]] bool admits(std::size_t owner, std::uint64_t at_ns) noexcept;

 private:
  static constexpr std::size_t kKept = 8;
  struct Window {
    std::uint16_t number;  // without its low bits, which are its place
    std::uint16_t events;
  };
  std::vector<std::array<Window, kKept>> windows_;
  std::uint16_t most_;  // events in a window
};

// Thread: one at a time.
class Forwarder {
 public:
  Forwarder(const Internet& internet, const Behaviour& behaviour,
            const config::WorldConfig& config);

  // Changes the packet's TTL and options; its checksum is settled by who looks at it.
  [[nodiscard]] Passed forward(const Trip& trip, Packet& packet, std::uint64_t at_ns) noexcept;

 private:
  [[nodiscard]] Passed forward_options(const Trip& trip, Packet& packet,
                                       std::uint64_t at_ns) noexcept;
  [[nodiscard]] Passed forward_slowly(const Trip& trip, Packet& packet,
                                      std::uint64_t at_ns) noexcept;
  [[nodiscard]] bool admits_options(const Trip& trip, std::size_t stage,
                                    std::uint64_t at_ns) noexcept;
  [[nodiscard]] std::uint32_t stamp_of(const Trip& trip, std::size_t stage) const noexcept;
  void stamp(const Place& place, Shown stamps, Packet& packet, std::uint64_t at_ns) const noexcept;

  const Internet& internet_;
  const Behaviour& behaviour_;
  std::uint64_t options_hop_ns_;
  Limits options_;
};

// The routers' clocks: milliseconds since midnight, times counted from 1970-01-01.
[[nodiscard]] constexpr std::uint32_t milliseconds_of_day(std::uint64_t at_ns) noexcept {
  return static_cast<std::uint32_t>(at_ns / 1'000'000U % 86'400'000U);
}

}  // namespace backsight::sim
