#include "probes/reading/ip_options.h"

#include <optional>

#include "probes/reading/steps.h"
#include "probes/wire/ipv4.h"
#include "probes/wire/ipv4_options.h"

namespace backsight::probes {
namespace {

using Option = std::span<const std::byte>;  // from its type byte to its last, at least two bytes

std::uint8_t u8(Option option, std::size_t offset) noexcept {
  return std::to_integer<std::uint8_t>(option[offset]);
}

// How many slots lie before an option's pointer, for slots that start at `first` (counted from 0).
// A pointer beyond the option, by however much, means that all are filled (RFC 791, section 3.1).
std::optional<std::uint8_t> filled_slots(Option option, std::size_t first,
                                         std::size_t slot_bytes) noexcept {
  const std::size_t pointer_1based = u8(option, ipv4::kOptionPointer);
  if (pointer_1based <= first) return std::nullopt;
  const std::size_t filled_bytes =
      pointer_1based > option.size() ? option.size() - first : pointer_1based - 1 - first;
  if (filled_bytes % slot_bytes != 0) return std::nullopt;
  return static_cast<std::uint8_t>(filled_bytes / slot_bytes);
}

// False: it cannot be read, and `route` is as it was. So is what read_timestamps() says.
bool read_record_route(Option option, RecordedRoute& route) noexcept {
  constexpr std::size_t kFirst = ipv4::kRecordRouteHeaderBytes;
  constexpr std::size_t kSlot = ipv4::kRecordRouteSlotBytes;
  if (option.size() < kFirst || (option.size() - kFirst) % kSlot != 0) return false;
  const auto count = filled_slots(option, kFirst, kSlot);
  const std::size_t slots = (option.size() - kFirst) / kSlot;
  if (!count || slots > kMaxRecordedHops) return false;

  route.slots = static_cast<std::uint8_t>(slots);
  route.count = *count;
  for (std::size_t i = 0; i < *count; ++i) {
    route.hops[i] = {load_be32(option.data() + kFirst + kSlot * i)};
  }
  return true;
}

bool read_timestamps(Option option, RecordedTimestamps& timestamps) noexcept {
  constexpr std::size_t kFirst = ipv4::kTimestampHeaderBytes;
  if (option.size() < kFirst) return false;
  const unsigned flags = u8(option, ipv4::kTimestampFlags);
  const unsigned type = flags & 0xf;
  if (type != 0 && type != 1 && type != 3) return false;
  const std::size_t slot_bytes = type == 0 ? ipv4::kTimestampBytes : ipv4::kTimestampPairBytes;
  if ((option.size() - kFirst) % slot_bytes != 0) return false;
  const auto count = filled_slots(option, kFirst, slot_bytes);
  const std::size_t slots = (option.size() - kFirst) / slot_bytes;
  if (!count || slots > kMaxTimestamps) return false;

  timestamps.type = static_cast<TimestampType>(type);
  timestamps.overflow = static_cast<std::uint8_t>(flags >> 4);
  timestamps.slots = static_cast<std::uint8_t>(slots);
  timestamps.count = *count;
  // The slots of a prespecified option hold addresses from the start.
  const std::size_t written =
      timestamps.type == TimestampType::kPrespecified ? slots : std::size_t{*count};
  for (std::size_t i = 0; i < written; ++i) {
    const std::byte* const slot = option.data() + kFirst + slot_bytes * i;
    RecordedTimestamp& stamp = timestamps.stamps[i];
    if (type != 0) stamp.address = {load_be32(slot)};
    stamp.milliseconds = load_be32(slot + slot_bytes - ipv4::kTimestampBytes);
  }
  return true;
}

// What became of an option that stands in a header at most once (RFC 791, section 3.1).
enum class Met : std::uint8_t { kNot, kRead, kUnread };

// Reads `option` by `read`, unless one alike was met: of two, neither is believed.
template <typename Recorded>
void meet(Option option, bool (*read)(Option, Recorded&) noexcept, Met& met,
          Recorded& into) noexcept {
  if (met == Met::kNot) {
    met = read(option, into) ? Met::kRead : Met::kUnread;
    return;
  }
  if (met == Met::kRead) into = {};
  met = Met::kUnread;
}

}  // namespace

void read_ip_options(std::span<const std::byte> options, IpOptions& into) noexcept {
  // Kept apart from IpOptions, whose bytes were just cleared: reading one of them back would wait
  // until all that was stored before has reached the cache.
  Met route = Met::kNot;
  Met timestamps = Met::kNot;
  ipv4::OptionWalk walk(options);
  for (Option option; walk.next(option);) {
    const std::uint8_t type = u8(option, 0);
    if (type == ipv4::kRecordRoute) meet(option, read_record_route, route, into.record_route);
    if (type == ipv4::kTimestamp) meet(option, read_timestamps, timestamps, into.timestamps);
  }
  into.has_record_route = route == Met::kRead;
  into.has_timestamps = timestamps == Met::kRead;
  into.has_unread = walk.is_broken() || route == Met::kUnread || timestamps == Met::kUnread;
}

IpOptions parse_ip_options(std::span<const std::byte> options) noexcept {
  IpOptions result;
  read_ip_options(options, result);
  return result;
}

}  // namespace backsight::probes
