// The one consumer of a log: reads its records, and commits what it has made its own. What it was
// given and has not committed when it dies is given again.
//
//   directory/consumer   held by it
//   directory/mark       it has committed all items below
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "storage/durable_number.h"
#include "storage/log/log_reader.h"

namespace backsight::storage {

// Thread: one at a time.
class LogConsumer {
 public:
  // Fails when another process consumes this log. `items` names them in that sentence.
  [[nodiscard]] static Expected<std::unique_ptr<LogConsumer>> open(FileSystem& files,
                                                                   const std::string& directory,
                                                                   const char* items);

  // As LogReader's.
  [[nodiscard]] Expected<std::optional<LogRecord>> next(std::vector<std::string>& complaints) {
    return reader_.next(complaints);
  }
  // Of the first item not yet returned.
  [[nodiscard]] std::uint64_t position() const noexcept { return reader_.position(); }
  // Reads on from there.
  void seek(std::uint64_t position) { reader_ = LogReader(files_, directory_, position); }

  // Everything below `end` is the consumer's now: durable on return. Frees segments.
  [[nodiscard]] Expected<void> commit(std::uint64_t end);
  [[nodiscard]] std::uint64_t committed() const noexcept { return mark_.value(); }

  [[nodiscard]] FileSystem& files() const noexcept { return files_; }
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

 private:
  LogConsumer(FileSystem& files, std::string directory, std::unique_ptr<Lock> lock,
              DurableNumber mark);

  FileSystem& files_;
  std::string directory_;
  std::unique_ptr<Lock> lock_;
  DurableNumber mark_;
  LogReader reader_;
};

}  // namespace backsight::storage
