// The writing end of the file log: an append-only log in a directory of its own, in segments
// (log_format.h). What sync() has acknowledged survives the death of the process at any
// instruction, and of the machine; what it has not is either there whole or not at all.
//
//   directory/lock                        held by the one writer
//   directory/end                         where the durable part ends
//   directory/00000000000000000001.log    segments
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"
#include "storage/file_system.h"
#include "storage/log/log_format.h"

namespace backsight::storage {

struct LogOptions {
  // A segment that has reached this size gets no more records. Larger: fewer files; smaller: the
  // disk is given back sooner.
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  // How long to wait for another writer to let go.
  std::chrono::milliseconds lock_wait{0};
  // Positions begin here at the least.
  std::uint64_t least_position = kFirstPosition;
};

// Thread: one at a time.
class LogWriter {
 public:
  // Takes the lock, makes durable what an earlier writer left whole, cuts its torn tail.
  [[nodiscard]] static Expected<std::unique_ptr<LogWriter>> open(FileSystem& files,
                                                                 std::string directory,
                                                                 const LogOptions& options);

  // Keeps the record in memory. Returns the position of its first item.
  // REQUIRES: a payload of 1..kMaxPayloadBytes, count >= 1.
  std::uint64_t append(std::span<const std::byte> payload, std::uint32_t count = 1);

  // Makes everything appended durable with one write and one sync. On an error nothing appended
  // since the last sync counts: it is forgotten, and its positions are given out again.
  [[nodiscard]] Expected<void> sync();

  // Position after the last durable item, and of the next to be appended.
  [[nodiscard]] std::uint64_t durable_end() const noexcept { return end_.position; }
  [[nodiscard]] std::uint64_t next_position() const noexcept { return next_position_; }
  // Where the record that is appended next will stand, if the next sync works.
  [[nodiscard]] RecordPlace next_place() const noexcept;
  // True iff what is appended now will stand first in a new segment.
  [[nodiscard]] bool is_at_segment_start() const noexcept;

  // What open() found damaged or torn, one sentence each.
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }

 private:
  LogWriter(FileSystem& files, std::string directory, const LogOptions& options)
      : files_(files), directory_(std::move(directory)), options_(options) {}

  Expected<void> take_lock();
  Expected<void> recover();
  Expected<LogEnd> published_end();
  Expected<LogEnd> recovery_start(const std::vector<std::uint64_t>& segments,
                                  const LogEnd& published);
  Expected<LogEnd> scan(const LogEnd& from, const std::vector<std::uint64_t>& segments);
  Expected<void> adopt(const LogEnd& tail, const LogEnd& published);
  Expected<void> cut_tail(const LogEnd& tail);
  Expected<void> write_pending();
  Expected<void> open_segment();
  Expected<void> publish_end();
  [[nodiscard]] bool needs_segment() const noexcept {
    return segment_ == nullptr || end_.offset >= options_.segment_bytes;
  }

  FileSystem& files_;
  std::string directory_;
  LogOptions options_;
  std::unique_ptr<Lock> lock_;
  std::unique_ptr<File> end_file_;
  std::unique_ptr<File> segment_;    // the last one; none: the next write creates one
  bool directory_is_synced_ = true;  // the segment's name is durable
  bool tail_is_dirty_ = false;       // bytes behind end_ are to be cut before the next write
  LogEnd end_;                       // durable
  std::uint64_t next_position_ = kFirstPosition;
  std::vector<std::byte> pending_;
  std::vector<std::string> complaints_;
};

}  // namespace backsight::storage
