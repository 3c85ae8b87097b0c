// What the journal keeps: one record of the file log (storage/log) each. All numbers are
// little-endian.
//
//   0       what: 'A' accepted, 'C' cancelled, 'M' measured, 'E' ended
//   1       form, 2
//   2..3    bytes of the name
//   4..7    bytes of the text
//   8..15   batch (request_numbers.h); 'M' 0
//   16..23  'A' how many requests it has, 'C' 0, 'M' how many rows, 'E' the id of the request
//   24..31  when, unix time in us
//   32..    the name, then the text, deflated (zlib):
//           'A' the user, a submission (controller/json/request_json.h)
//           'C' none, none
//           'M' a table of the archive, its rows' `raw` columns, each with a line end
//           'E' the label, the path as it is shown (controller/json/path_json.h)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"

namespace backsight::controller {

enum class JournalKind : std::uint8_t {
  kAccepted = 'A',
  kCancelled = 'C',
  kMeasured = 'M',
  kEnded = 'E'
};

struct JournalHead {
  JournalKind kind = JournalKind::kAccepted;
  std::uint64_t batch = 0;
  std::uint64_t number = 0;  // of requests or rows, or an id
  std::uint64_t unix_us = 0;
  std::string name;  // of the user or the table, or the label
};

inline constexpr std::size_t kMaxNameBytes = 0xffff;
// No text of a record is longer.
inline constexpr std::size_t kMaxJournalText = std::size_t{64} << 20;

[[nodiscard]] std::vector<std::byte> encode_record(const JournalHead& head, std::string_view text);

// The error is a clause: what is wrong with the bytes.
[[nodiscard]] tl::expected<JournalHead, std::string> parse_head(std::span<const std::byte> bytes);
// REQUIRES: parse_head has read the head of these bytes.
[[nodiscard]] tl::expected<std::string, std::string> parse_text(std::span<const std::byte> bytes);

}  // namespace backsight::controller
