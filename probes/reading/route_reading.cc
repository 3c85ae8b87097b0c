#include "probes/reading/route_reading.h"

#include <algorithm>
#include <optional>

#include "probes/ip/special_purpose.h"

namespace backsight::probes {
namespace {

using Hops = std::span<const Ipv4Addr>;

// The last run of stamps that `is_destination`, as [begin, end).
struct Run {
  std::size_t begin;
  std::size_t end;
};

template <typename Predicate>
std::optional<Run> last_run(Hops hops, Predicate is_destination) noexcept {
  std::size_t end = hops.size();
  while (end > 0 && !is_destination(hops[end - 1])) --end;
  if (end == 0) return std::nullopt;
  std::size_t begin = end - 1;
  while (begin > 0 && is_destination(hops[begin - 1])) --begin;
  return Run{begin, end};
}

// The first slot of the last pair of equal neighbours.
std::optional<std::size_t> last_pair(Hops hops) noexcept {
  for (std::size_t second = std::min(hops.size(), kDoubleStampSlots); second-- > 1;) {
    if (hops[second] == hops[second - 1] && !names_nobody(hops[second])) return second - 1;
  }
  return std::nullopt;
}

// The last slot whose address comes back later, but not at once.
std::optional<std::size_t> last_returning(Hops hops) noexcept {
  for (std::size_t first = hops.size(); first-- > 0;) {
    if (names_nobody(hops[first])) continue;
    const Hops later = hops.subspan(std::min(first + 2, hops.size()));
    if (std::find(later.begin(), later.end(), hops[first]) != later.end()) return first;
  }
  return std::nullopt;
}

}  // namespace

RouteReading read_route(const RecordedRoute& route, Ipv4Addr destination,
                        std::span<const Ipv4Addr> aliases) noexcept {
  const Hops hops = route.filled();
  const auto is_destination = [&](Ipv4Addr hop) {
    return hop == destination || std::find(aliases.begin(), aliases.end(), hop) != aliases.end();
  };
  RouteReading reading;
  reading.count = route.count;
  reading.is_full = route.count == route.slots;
  const auto turn = [&](TurningPoint how, std::size_t forward_end, std::size_t reverse_begin) {
    reading.turning_point = how;
    reading.forward_end = static_cast<std::uint8_t>(forward_end);
    reading.reverse_begin = static_cast<std::uint8_t>(reverse_begin);
  };

  if (const auto stamps = last_run(hops, is_destination)) {
    reading.destination_stamped = true;
    turn(TurningPoint::kDestination, stamps->begin, stamps->end);
  } else if (const auto pair = last_pair(hops)) {
    turn(TurningPoint::kDoubleStamp, *pair + 1, *pair + 1);
  } else if (const auto first = last_returning(hops)) {
    turn(TurningPoint::kLoop, *first + 1, *first + 1);
  } else {
    turn(TurningPoint::kUnknown, hops.size(), hops.size());
  }
  return reading;
}

}  // namespace backsight::probes
