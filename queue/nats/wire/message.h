// The body of a message of tasks or results: a record as in the file log (log/log_format.h), so
// that a batch has the same checksum from the vantage point's disk to its consumer.
//
//   0..3    "BSQ1"; another digit is another version
//   4..7    CRC-32 of bytes 8..23
//   8..15   position behind the record before this one in its log: items between that and this
//           record's position are lost for good; of tasks 1
//   16..23  zero
//   24..    the record: header and payload
//
// All numbers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "storage/log/segment.h"

namespace backsight::queue::nats {

inline constexpr std::size_t kEnvelopeBytes = 24;

struct Envelope {
  std::uint64_t after = 0;    // at most record.position
  storage::LogRecord record;  // its payload stands in the message
};

enum class Fault {
  kShort,    // less than its lengths say, or more
  kForeign,  // does not begin as ours do
  kNewer,    // of a version to come
  kDamaged,  // fits no checksum
  kCount
};

// A clause for people: "its checksum is wrong".
[[nodiscard]] std::string_view describe(Fault fault) noexcept;

// Replaces `out`. REQUIRES: after <= record.position; a payload of 1..kMaxPayloadBytes.
void write_message(std::uint64_t after, const storage::LogRecord& record,
                   std::vector<std::byte>& out);

// Trusts nothing. The payload of what is returned may stand on any boundary.
[[nodiscard]] tl::expected<Envelope, Fault> read_message(std::span<const std::byte> body);

}  // namespace backsight::queue::nats
