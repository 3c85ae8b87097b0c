// One segment file, read record by record.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "config/error.h"
#include "storage/file_system.h"
#include "storage/log/log_format.h"

namespace backsight::storage {

// A whole record. The payload is good until the next call to whom it came from; it stands on a
// multiple of 8.
struct LogRecord {
  std::uint64_t position = 0;
  std::uint32_t count = 0;
  std::span<const std::byte> payload;

  [[nodiscard]] std::uint64_t end() const noexcept { return position + count; }
};

// Thread: one at a time.
class SegmentReader {
 public:
  SegmentReader(std::unique_ptr<File> file, std::uint64_t first_position)
      : file_(std::move(file)), first_position_(first_position) {}

  [[nodiscard]] std::uint64_t first_position() const noexcept { return first_position_; }
  // Where the next record is looked for.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  void seek(std::uint64_t offset) noexcept { offset_ = offset; }
  void skip(const LogRecord& record) noexcept { offset_ += record_bytes(record.payload.size()); }
  [[nodiscard]] File& file() noexcept { return *file_; }

  // Forgets what was read ahead: the file may have changed behind what is durable.
  void forget() noexcept { window_bytes_ = 0; }

  // Returns the record at offset() if it is whole and none of its items stands below `least`, or
  // nothing. Does not move.
  [[nodiscard]] Expected<std::optional<LogRecord>> record_here(std::uint64_t least);

  // Returns the offset of the next whole record behind offset() with a position of at least
  // `least`.
  [[nodiscard]] Expected<std::optional<std::uint64_t>> find_record(std::uint64_t least);

  // Returns the version in the header; 0 when the header is damaged.
  [[nodiscard]] Expected<std::uint32_t> version();

 private:
  // Returns the bytes at `offset`, at most `bytes`, fewer at the end of the file.
  Expected<std::span<const std::byte>> view(std::uint64_t offset, std::size_t bytes);
  Expected<std::optional<LogRecord>> record_at(std::uint64_t offset, std::uint64_t least);

  std::unique_ptr<File> file_;
  std::uint64_t first_position_;
  std::uint64_t offset_ = kSegmentHeaderBytes;
  std::vector<std::uint64_t> window_;  // read ahead; of words, so that records stand aligned
  std::uint64_t window_offset_ = 0;
  std::size_t window_bytes_ = 0;
};

}  // namespace backsight::storage
