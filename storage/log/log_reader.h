// The reading end of the file log. Reads what is durable and nothing else, while a writer appends
// or after it died; skips what is damaged, and says so. Takes no lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "storage/file_system.h"
#include "storage/log/log_format.h"
#include "storage/log/segment.h"

namespace backsight::storage {

// Thread: one at a time.
class LogReader {
 public:
  // Reads from the item `position` on; the first record may begin before it.
  LogReader(FileSystem& files, std::string directory, std::uint64_t position);

  // Returns the next record, or nothing when there is none for now; never waits. Damage that was
  // passed on the way is told in `complaints`, one sentence each. The record's items may begin
  // behind position(): those between cannot be had any more.
  [[nodiscard]] Expected<std::optional<LogRecord>> next(std::vector<std::string>& complaints);

  // Of the first item not yet returned.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  // Where the record stands that was returned last.
  [[nodiscard]] const RecordPlace& place() const noexcept { return place_; }
  // Items that could not be had, since the start.
  [[nodiscard]] std::uint64_t lost_items() const noexcept { return lost_items_; }

 private:
  // What the search behind an unreadable place came to.
  enum class Way { kOn, kNothingYet };

  Expected<bool> open_segment_of_position();
  Expected<bool> open_segment(std::uint64_t first);
  Expected<std::optional<LogRecord>> visible_record();
  Expected<void> refresh_limit();
  Expected<Way> pass_unreadable(std::vector<std::string>& complaints);
  Expected<Way> search_record(std::uint64_t size, bool is_followed,
                              std::vector<std::string>& complaints);
  Expected<std::optional<std::uint64_t>> segment_after(std::uint64_t first);
  Expected<void> check_header(std::vector<std::string>& complaints);
  void accept(const LogRecord& record, std::vector<std::string>& complaints);

  FileSystem* files_;
  std::string directory_;
  std::uint64_t position_;
  RecordPlace place_;
  std::unique_ptr<SegmentReader> segment_;
  bool header_is_checked_ = false;      // of segment_
  bool is_damage_told_ = false;         // that begins at segment_->offset()
  std::uint64_t durable_position_ = 0;  // items below are durable
  std::uint64_t durable_offset_ = 0;    // bytes of segment_ below are durable
  std::uint64_t lost_items_ = 0;
};

// Where the log ends: the position after the last item that a reader may see.
[[nodiscard]] Expected<std::uint64_t> log_end(FileSystem& files, const std::string& directory);

// Bytes of the items from `mark` on. In the segment that holds the mark they are reckoned by the
// items' share.
[[nodiscard]] Expected<std::uint64_t> bytes_behind(FileSystem& files, const std::string& directory,
                                                   std::uint64_t mark);

// Removes the segments all of whose items stand below `mark`. One that holds a record stays.
[[nodiscard]] Expected<void> free_segments(FileSystem& files, const std::string& directory,
                                           std::uint64_t mark);

}  // namespace backsight::storage
