#include "sim/packet/forwarder.h"

#include <algorithm>

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::uint32_t kWindowsASecond = 10;
constexpr std::uint64_t kWindowNs = 1'000'000'000U / kWindowsASecond;

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
  const auto offset = [](std::uint8_t index, std::uint8_t stride) {
    return std::uint32_t{index} * stride;
  };
  Place place{it.group, member, it.first_router + member, trip.host_in, trip.host_out};
  if (stage != 0) {
    place.in = it.in_base + offset(before, it.in_before) + offset(member, it.in_own);
  }
  if (stage + 1 != trip.path.stages.size()) {
    place.out = it.out_base + offset(member, it.out_own) + offset(after, it.out_after);
  }
  return place;
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
  if (packet.has_options()) return forward_slowly(trip, packet, at_ns);
  const auto counts = [](const Stage& stage) { return stage.is_hidden ? 0 : 1; };
  int hops = trip.path.visible;
  if (trip.starts_at_router) hops -= counts(trip.path.stages.front());
  if (trip.ends_at_router) hops -= counts(trip.path.stages.back());
  if (packet.ttl() <= hops) return forward_slowly(trip, packet, at_ns);
  packet.set_ttl(static_cast<std::uint8_t>(packet.ttl() - hops));
  return {Passage::kArrived, at_ns + trip.path.delay_ns, {}};
}

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
    const RouterId router = stage.first_router + member;
    Shown stamps = stage.stamps;
    bool limits_options = stage.limits_options;
    if (stage.width > 1) {
      stamps = behaviour_.router(router).stamps;
      limits_options = behaviour_.router(router).limits_options;
    }
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
      if (has_options && limits_options && !options_.admits(router, at_ns)) {
        return {Passage::kOptionsLimited, at_ns, {}};
      }
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
