#include "probes/ip_options.h"

#include <utility>

#include "probes/reading.h"
#include "probes/wire/ipv4.h"

namespace backsight::probes {
namespace {

using Option = std::span<const std::byte>;  // from its type byte to its last, at least two bytes

std::uint8_t u8(Option option, std::size_t offset) noexcept {
  return std::to_integer<std::uint8_t>(option[offset]);
}

// How many slots lie before an option's pointer, for slots that start at `first` (counted from 0).
// A pointer beyond the option, by however much, means that all are filled (RFC 791, section 3.1).
tl::expected<std::uint8_t, Reject> filled_slots(Option option, std::size_t first,
                                                std::size_t slot_bytes) noexcept {
  const std::size_t pointer_1based = u8(option, ipv4::kOptionPointer);
  if (pointer_1based <= first) return tl::make_unexpected(Reject::kIpOptions);
  const std::size_t filled_bytes =
      pointer_1based > option.size() ? option.size() - first : pointer_1based - 1 - first;
  if (filled_bytes % slot_bytes != 0) return tl::make_unexpected(Reject::kIpOptions);
  return static_cast<std::uint8_t>(filled_bytes / slot_bytes);
}

Check read_record_route(Option option, RecordedRoute& route) noexcept {
  constexpr std::size_t kFirst = ipv4::kRecordRouteHeaderBytes;
  if (option.size() < kFirst || (option.size() - kFirst) % 4 != 0) {
    return tl::make_unexpected(Reject::kIpOptions);
  }
  const auto count = filled_slots(option, kFirst, 4);
  if (!count) return tl::make_unexpected(count.error());
  const std::size_t slots = (option.size() - kFirst) / 4;
  if (slots > kMaxRecordedHops) return tl::make_unexpected(Reject::kIpOptions);

  route.slots = static_cast<std::uint8_t>(slots);
  route.count = *count;
  for (std::size_t i = 0; i < *count; ++i) {
    route.hops[i] = {load_be32(option.data() + kFirst + 4 * i)};
  }
  return {};
}

Check read_timestamps(Option option, RecordedTimestamps& timestamps) noexcept {
  constexpr std::size_t kFirst = ipv4::kTimestampHeaderBytes;
  if (option.size() < kFirst) return tl::make_unexpected(Reject::kIpOptions);
  const unsigned flags = u8(option, ipv4::kTimestampFlags);
  const unsigned type = flags & 0xf;
  if (type != 0 && type != 1 && type != 3) return tl::make_unexpected(Reject::kIpOptions);
  const std::size_t slot_bytes = type == 0 ? 4 : 8;
  if ((option.size() - kFirst) % slot_bytes != 0) return tl::make_unexpected(Reject::kIpOptions);
  const auto count = filled_slots(option, kFirst, slot_bytes);
  if (!count) return tl::make_unexpected(count.error());
  const std::size_t slots = (option.size() - kFirst) / slot_bytes;
  if (slots > kMaxTimestamps) return tl::make_unexpected(Reject::kIpOptions);

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
    if (slot_bytes == 8) stamp.address = {load_be32(slot)};
    stamp.milliseconds = load_be32(slot + slot_bytes - 4);
  }
  return {};
}

// What was met so far. Kept apart from IpOptions, whose bytes were just cleared: reading one of
// them back would wait until all that was stored before has reached the cache.
struct Met {
  bool record_route = false;
  bool timestamps = false;
};

// One option of those we read, at most once in a header (RFC 791, section 3.1).
Check read_option(Option option, Met& met, IpOptions& into) noexcept {
  switch (u8(option, 0)) {
    case ipv4::kRecordRoute:
      if (std::exchange(met.record_route, true)) return tl::make_unexpected(Reject::kIpOptions);
      return read_record_route(option, into.record_route);
    case ipv4::kTimestamp:
      if (std::exchange(met.timestamps, true)) return tl::make_unexpected(Reject::kIpOptions);
      return read_timestamps(option, into.timestamps);
    default:
      return {};
  }
}

Check read_all(std::span<const std::byte> options, Met& met, IpOptions& into) noexcept {
  while (!options.empty()) {
    const auto type = std::to_integer<std::uint8_t>(options[0]);
    if (type == ipv4::kEndOfOptions) return {};
    if (type == ipv4::kNoOperation) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) return tl::make_unexpected(Reject::kIpOptions);
    const auto length = std::to_integer<std::size_t>(options[ipv4::kOptionLength]);
    if (length < 2 || length > options.size()) return tl::make_unexpected(Reject::kIpOptions);
    if (const Check read = read_option(options.first(length), met, into); !read) return read;
    options = options.subspan(length);
  }
  return {};
}

}  // namespace

Check read_ip_options(std::span<const std::byte> options, IpOptions& into) noexcept {
  Met met;
  const Check read = read_all(options, met, into);
  into.has_record_route = met.record_route && read;
  into.has_timestamps = met.timestamps && read;
  return read;
}

tl::expected<IpOptions, Reject> parse_ip_options(std::span<const std::byte> options) noexcept {
  tl::expected<IpOptions, Reject> result;
  if (const Check read = read_ip_options(options, *result); !read) {
    result = tl::make_unexpected(read.error());
  }
  return result;
}

}  // namespace backsight::probes
