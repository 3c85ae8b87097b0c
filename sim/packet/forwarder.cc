#include "sim/packet/forwarder.h"

#include <algorithm>

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::uint32_t kWindowsASecond = 10;
constexpr std::uint64_t kWindowNs = 1'000'000'000U / kWindowsASecond;

std::uint32_t in_address(const Trip& trip, std::size_t stage, std::uint8_t before,
                         std::uint8_t member) noexcept {
  if (stage == 0) return trip.host_in;
  const Stage& it = trip.path.stages[stage];
  return it.in_base + std::uint32_t{before} * it.in_before + std::uint32_t{member} * it.in_own;
}

std::uint32_t out_address(const Trip& trip, std::size_t stage, std::uint8_t member,
                          std::uint8_t after) noexcept {
  if (stage + 1 == trip.path.stages.size()) return trip.host_out;
  const Stage& it = trip.path.stages[stage];
  return it.out_base + std::uint32_t{member} * it.out_own + std::uint32_t{after} * it.out_after;
}

}  // namespace

Limits::Limits(std::size_t owners, std::uint32_t per_second)
    : windows_(owners),
      most_(static_cast<std::uint16_t>(std::clamp(per_second / kWindowsASecond, 1U, 0xffffU))) {}

bool Limits::admits(std::size_t owner, std::uint64_t at_ns) noexcept {
  const std::uint64_t number = at_ns / kWindowNs;
  Window& window = windows_[owner][number % kKept];
  const auto tag = static_cast<std::uint16_t>(number / kKept);
  if (window.number != tag) window = {tag, 0};
  if (window.events >= most_) return false;
  ++window.events;
  return true;
}

Forwarder::Forwarder(const Internet& internet, const Behaviour& behaviour,
                     const config::WorldConfig& config)
    : internet_(internet),
      behaviour_(behaviour),
      options_hop_ns_(std::uint64_t{config.dynamics.options_hop_us} * 1000U),
      options_(internet.group_of_router.size(), config.behaviour.options_limit_pps) {}

Place place_on(const Trip& trip, std::size_t stage, std::uint8_t before, std::uint8_t member,
               std::uint8_t after) noexcept {
  const Stage& it = trip.path.stages[stage];
  return {it.group, member, it.first_router + member, in_address(trip, stage, before, member),
          out_address(trip, stage, member, after)};
}

std::uint32_t shown_address(const Internet& internet, const Place& place, Shown shown) noexcept {
  switch (shown) {
    case Shown::kNothing:
      return 0;
    case Shown::kEgress:
      return place.out;
    case Shown::kIngress:
      return place.in;
    case Shown::kLoopback:
      break;
  }
  const As& as = internet.ases[internet.groups[place.group].as];
  return as.loopback_base + (place.router - as.first_router);
}

void Forwarder::stamp(const Place& place, Shown stamps, Packet& packet,
                      std::uint64_t at_ns) const noexcept {
  const std::uint32_t address = shown_address(internet_, place, stamps);
  if (address == 0) return;
  packet.stamp_route(address);
  if (!packet.records_times()) return;
  packet.stamp_time(address, milliseconds_of_day(at_ns), [&](std::uint32_t asked) {
    return asked == place.in || asked == place.out ||
           asked == shown_address(internet_, place, Shown::kLoopback);
  });
}

Passed Forwarder::forward(const Trip& trip, Packet& packet, std::uint64_t at_ns) noexcept {
  const auto counts = [](const Stage& stage) { return stage.is_hidden ? 0 : 1; };
  int hops = trip.path.visible;
  if (trip.starts_at_router) hops -= counts(trip.path.stages.front());
  if (trip.ends_at_router) hops -= counts(trip.path.stages.back());
  if (packet.ttl() <= hops || packet.records_times()) return forward_slowly(trip, packet, at_ns);
  packet.set_ttl(static_cast<std::uint8_t>(packet.ttl() - hops));
  if (packet.has_options()) return forward_options(trip, packet, at_ns);
  return {Passage::kArrived, at_ns + trip.path.delay_ns, {}};
}

bool Forwarder::admits_options(const Trip& trip, std::size_t stage, std::uint64_t at_ns) noexcept {
  const Stage& it = trip.path.stages[stage];
  if (it.width == 1) return options_.admits(it.first_router, at_ns);
  const RouterId router = it.first_router + member_at(trip, stage);
  return !behaviour_.router(router).limits_options || options_.admits(router, at_ns);
}

// What the router of that stage writes into a recorded route; 0: nothing.
std::uint32_t Forwarder::stamp_of(const Trip& trip, std::size_t stage) const noexcept {
  const Stage& it = trip.path.stages[stage];
  const std::uint8_t member = member_at(trip, stage);
  const Shown stamps =
      it.width == 1 ? it.stamps : behaviour_.router(it.first_router + member).stamps;
  const std::uint8_t before = stage == 0 ? std::uint8_t{0} : member_at(trip, stage - 1);
  const std::uint8_t after =
      stage + 1 == trip.path.stages.size() ? std::uint8_t{0} : member_at(trip, stage + 1);
  if (stamps == Shown::kEgress) return out_address(trip, stage, member, after);
  return shown_address(internet_, place_on(trip, stage, before, member, after), stamps);
}

// With options but without timestamps, and with a TTL that lasts.
Passed Forwarder::forward_options(const Trip& trip, Packet& packet, std::uint64_t at_ns) noexcept {
  const std::span<const Stage> stages = trip.path.stages;
  const std::size_t first = trip.starts_at_router ? 1 : 0;
  const std::size_t last = stages.size() - (trip.ends_at_router ? 1 : 0);
  if (first == 1) at_ns += stages[0].delay_ns;
  bool has_room = packet.has_room_for_route();
  for (std::size_t i = first; i < last; ++i) {
    const Stage& stage = stages[i];
    if (stage.drops_options) return {Passage::kOptionsDropped, at_ns, {}};
    at_ns += options_hop_ns_;
    if (stage.limits_options && !admits_options(trip, i, at_ns)) {
      return {Passage::kOptionsLimited, at_ns, {}};
    }
    if (has_room) {
      if (const std::uint32_t address = stamp_of(trip, i); address != 0) {
        packet.stamp_route(address);
        has_room = packet.has_room_for_route();
      }
    }
    at_ns += stage.delay_ns;
  }
  if (trip.ends_at_router) {
    if (stages[last].drops_options) return {Passage::kOptionsDropped, at_ns, {}};
    at_ns += options_hop_ns_;
  }
  return {Passage::kArrived, at_ns, {}};
}

// Step by step: the TTL ends on the way, or routers write their time.
Passed Forwarder::forward_slowly(const Trip& trip, Packet& packet, std::uint64_t at_ns) noexcept {
  const std::size_t count = trip.path.stages.size();
  const bool has_options = packet.has_options();
  const bool records = packet.records();
  std::uint8_t ttl = packet.ttl();
  std::uint8_t before = 0;
  std::uint8_t member = member_at(trip, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const Stage& stage = trip.path.stages[i];
    const std::uint8_t after = i + 1 < count ? member_at(trip, i + 1) : std::uint8_t{0};
    const bool is_sender = i == 0 && trip.starts_at_router;
    if (!is_sender && has_options) {
      if (stage.drops_options) return {Passage::kOptionsDropped, at_ns, {}};
      at_ns += options_hop_ns_;
    }
    const bool is_receiver = i + 1 == count && trip.ends_at_router;
    if (!is_sender && !is_receiver) {
      if (!stage.is_hidden) {
        if (ttl <= 1) {
          packet.set_ttl(1);
          return {Passage::kExpired, at_ns, place_on(trip, i, before, member, after)};
        }
        --ttl;
      }
      if (has_options && stage.limits_options && !admits_options(trip, i, at_ns)) {
        return {Passage::kOptionsLimited, at_ns, {}};
      }
      const Shown stamps = behaviour_.router(stage.first_router + member).stamps;
      if (records && stamps != Shown::kNothing) {
        stamp(place_on(trip, i, before, member, after), stamps, packet, at_ns);
      }
    }
    at_ns += stage.delay_ns;
    before = member;
    member = after;
  }
  packet.set_ttl(ttl);
  return {Passage::kArrived, at_ns, {}};
}

}  // namespace backsight::sim
