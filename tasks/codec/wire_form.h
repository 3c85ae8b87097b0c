// How the codec's two halves pack what is smaller than a byte (schema.fbs).
#pragma once

#include <cstddef>
#include <cstdint>

#include "tasks/result.h"

namespace backsight::tasks {

// FlatBuffers file identifiers.
inline constexpr const char* kTaskIdentifier = "BSTK";
inline constexpr const char* kResultIdentifier = "BSRS";

inline constexpr unsigned kFlagReply = 1;
inline constexpr unsigned kFlagFromQuote = 2;
inline constexpr unsigned kProofShift = 2;  // of ReplyV1::flags, two bits

// ReplyV1::recorded.
enum class WireRecorded : std::uint8_t {
  kNothing,
  kRoute,
  kTimestampsOnly,
  kTimestampsWithAddresses,
  kTimestampsPrespecified,
  kCount
};

[[nodiscard]] constexpr WireRecorded wire_form(const Recorded& recorded) noexcept {
  if (recorded.what == Recorded::What::kNothing) return WireRecorded::kNothing;
  if (recorded.what == Recorded::What::kRoute) return WireRecorded::kRoute;
  switch (recorded.timestamp) {
    case probes::TimestampType::kOnly:
      return WireRecorded::kTimestampsOnly;
    case probes::TimestampType::kWithAddresses:
      return WireRecorded::kTimestampsWithAddresses;
    case probes::TimestampType::kPrespecified:
      return WireRecorded::kTimestampsPrespecified;
  }
  return WireRecorded::kNothing;
}

[[nodiscard]] constexpr bool has_addresses(WireRecorded form) noexcept {
  return form != WireRecorded::kNothing && form != WireRecorded::kTimestampsOnly;
}

[[nodiscard]] constexpr bool has_milliseconds(WireRecorded form) noexcept {
  return form != WireRecorded::kNothing && form != WireRecorded::kRoute;
}

// Slots of the largest option of this form. A router may hand back more timestamps with addresses
// than four only in an option that is not ours; it is read all the same.
[[nodiscard]] constexpr std::size_t slots_of(WireRecorded form) noexcept {
  return form == WireRecorded::kNothing ? 0 : probes::kMaxRecordedHops;
}

}  // namespace backsight::tasks
