// A second copy of a log, byte for byte, beside it: what one of both has lost to a damaged disk is
// taken from the other. For logs that are small and dear.
//
//   directory/copy/   a log with the same records in the same places
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"
#include "storage/log/log_writer.h"

namespace backsight::storage {

// Before anybody opens the log: writes records that cannot be read anew from the copy, then makes
// the copy like the log. Says what it did. REQUIRES: no writer has the log.
[[nodiscard]] Expected<std::vector<std::string>> repair_from_copy(FileSystem& files,
                                                                  const std::string& directory);

// Writes both. The log is what counts; a copy that cannot be written is given up until the next
// start. Thread: one at a time.
class MirroredWriter {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<MirroredWriter>> open(FileSystem& files,
                                                                      const std::string& directory,
                                                                      const LogOptions& options);

  // Durable on return, in both. On an error it is in none.
  [[nodiscard]] Expected<std::uint64_t> write(std::span<const std::byte> payload,
                                              std::uint32_t count);
  [[nodiscard]] std::uint64_t end() const noexcept { return log_->durable_end(); }
  // Frees of the copy what is gone of the log.
  void free_copy();
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept {
    return log_->complaints();
  }

 private:
  MirroredWriter(FileSystem& files, std::string directory, std::unique_ptr<LogWriter> log,
                 std::unique_ptr<LogWriter> copy);

  FileSystem& files_;
  std::string directory_;
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<LogWriter> copy_;  // none: given up
};

}  // namespace backsight::storage
