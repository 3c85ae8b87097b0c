// What the journal keeps: one record of the file log (storage/log) each. All numbers are
// little-endian.
//
//   0       what: 'A' accepted, 'E' ended, 'C' cancelled
//   1       form, 1
//   2..3    bytes of the name
//   4..7    bytes of the text
//   8..15   batch (request_numbers.h)
//   16..23  'A' how many requests it has, 'E' the id of the request, 'C' 0
//   24..31  when, unix time in us
//   32..    the name ('A' the user, 'E' the label), then the text, deflated (zlib): 'A' a
//   submission as
//           controller/json/request_json.h, 'E' a path as controller/json/path_json.h, 'C' none
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"

namespace backsight::controller {

enum class JournalKind : std::uint8_t { kAccepted = 'A', kEnded = 'E', kCancelled = 'C' };

struct JournalHead {
  JournalKind kind = JournalKind::kAccepted;
  std::uint64_t batch = 0;
  std::uint64_t number = 0;  // requests, or id
  std::uint64_t unix_us = 0;
  std::string name;  // of the user, or the label
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
