// Single records of a file log, from where a writer's next_place() or a reader's place() said.
#pragma once

#include <memory>
#include <string>

#include "config/error.h"
#include "storage/file_system.h"
#include "storage/log/log_format.h"
#include "storage/log/segment.h"

namespace backsight::storage {

// Thread: one at a time; a writer may append and segments may be freed meanwhile.
class RecordFetcher {
 public:
  RecordFetcher(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  // REQUIRES: the record is durable. It is good until the next call; neighbours come with one read.
  [[nodiscard]] Expected<LogRecord> fetch(const RecordPlace& place);

 private:
  FileSystem& files_;
  std::string directory_;
  std::unique_ptr<SegmentReader> segment_;  // the last one that was read
};

}  // namespace backsight::storage
