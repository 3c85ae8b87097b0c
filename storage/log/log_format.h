// The bytes of the file log (../../docs/formats.md). All numbers are little-endian.
//
//   segment   NNNNNNNNNNNNNNNNNNNN.log, named by the position of its first item in 20 digits
//     header  0..7    "BSIGHTLG"
//             8..11   version, 1
//             12..19  position of the first item
//             20..23  CRC-32 (as zlib's) of the 20 bytes before
//     records, each on a multiple of 8
//             0..3    CRC-32 of all that follows, padding included
//             4..7    bytes of payload, 1..16 MiB
//             8..15   position of the record's first item
//             16..19  items in the record, at least 1
//             20..23  zero
//             24..    payload, then zeros up to a multiple of 8
//
// Positions count items, from 1 on: a record is a batch. A record holds its own position so that
// one is found again behind bytes that cannot be read, and what is missing is known by number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"

namespace backsight::storage {

class FileSystem;

inline constexpr std::uint32_t kLogVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 24;
inline constexpr std::size_t kRecordHeaderBytes = 24;
inline constexpr std::size_t kRecordAlignment = 8;
inline constexpr std::size_t kMaxPayloadBytes = std::size_t{16} << 20;
inline constexpr std::uint64_t kFirstPosition = 1;

[[nodiscard]] constexpr std::size_t record_bytes(std::size_t payload_bytes) noexcept {
  return kRecordHeaderBytes +
         (payload_bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

// A record's header, read but not believed.
struct RecordHeader {
  std::uint32_t crc = 0;
  std::uint32_t payload_bytes = 0;
  std::uint64_t position = 0;
  std::uint32_t count = 0;
  std::uint32_t zero = 0;

  // Could be one; cheap, for the search behind damage.
  [[nodiscard]] bool is_plausible() const noexcept {
    return payload_bytes >= 1 && payload_bytes <= kMaxPayloadBytes && position >= kFirstPosition &&
           count >= 1 && zero == 0 && position + count > position;
  }
};

[[nodiscard]] std::uint32_t crc32_of(std::span<const std::byte> bytes) noexcept;

using SegmentHeader = std::array<std::byte, kSegmentHeaderBytes>;
[[nodiscard]] SegmentHeader make_segment_header(std::uint64_t first_position) noexcept;

// What a segment's first bytes say: its version, or 0 when they are damaged.
[[nodiscard]] std::uint32_t segment_version(std::span<const std::byte> header) noexcept;

// Appends the record. REQUIRES: payload of 1..kMaxPayloadBytes; count >= 1.
void append_record(std::vector<std::byte>& out, std::span<const std::byte> payload,
                   std::uint64_t position, std::uint32_t count);

// REQUIRES: `bytes` has kRecordHeaderBytes.
[[nodiscard]] RecordHeader load_record_header(std::span<const std::byte> bytes) noexcept;

// REQUIRES: `bytes` is the record with its padding, of a plausible header.
[[nodiscard]] bool record_is_whole(std::span<const std::byte> bytes) noexcept;

[[nodiscard]] std::string segment_path(std::string_view directory, std::uint64_t first_position);

// Returns the first positions of the directory's segments, in order.
[[nodiscard]] Expected<std::vector<std::uint64_t>> list_segments(FileSystem& files,
                                                                 const std::string& directory);

// Where a record stands in the files.
struct RecordPlace {
  std::uint64_t segment = 0;  // first position of the segment
  std::uint64_t offset = 0;   // of the record in it

  friend bool operator==(const RecordPlace&, const RecordPlace&) = default;
};

// Where the log ended after the last sync: the file "end", 28 bytes and no more, overwritten in
// place. It tells readers what is durable, and the next writer where to begin to look. It is not
// synced itself, so it may be older than the truth, never newer.
struct LogEnd {
  std::uint64_t position = kFirstPosition;
  std::uint64_t segment = 0;  // first position of the segment; 0: none yet
  std::uint64_t offset = 0;   // in it
};
inline constexpr std::size_t kLogEndBytes = 28;
[[nodiscard]] std::array<std::byte, kLogEndBytes> to_bytes(const LogEnd& end) noexcept;
[[nodiscard]] std::optional<LogEnd> parse_log_end(std::span<const std::byte> bytes) noexcept;

// Numbers as the log stores them. REQUIRES: `at` has the number's bytes.
void store_le32(std::byte* at, std::uint32_t value) noexcept;
void store_le64(std::byte* at, std::uint64_t value) noexcept;
[[nodiscard]] std::uint32_t load_le32(const std::byte* at) noexcept;
[[nodiscard]] std::uint64_t load_le64(const std::byte* at) noexcept;

}  // namespace backsight::storage
