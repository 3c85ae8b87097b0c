// What a consumer has committed of the results of one vantage point, on its own disk:
//
//   DIRECTORY/VP/lock        held by the one consumer
//   DIRECTORY/VP/committed   for each log that the vantage point ever had, the ranges of positions
//
// The file is text, replaced as one step: a line "LOG BEGIN END" for each range, in order, and at
// last the CRC-32 of all lines before it. With a log's name, positions name batches as well as boot
// epoch and batch number do: both grow with each batch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "config/error.h"
#include "storage/file_system.h"
#include "storage/range_set.h"

namespace backsight::queue::nats {

// Thread: one at a time.
class CommitBook {
 public:
  using Logs = std::map<std::uint64_t, storage::RangeSet>;

  // Fails when another process holds it, or when it cannot be read: to go on without it would give
  // every result again.
  [[nodiscard]] static Expected<std::unique_ptr<CommitBook>> open(storage::FileSystem& files,
                                                                  const std::string& directory,
                                                                  const std::string& vp);

  [[nodiscard]] const Logs& logs() const noexcept { return logs_; }
  // Durable on return.
  [[nodiscard]] Expected<void> store(const Logs& logs);

 private:
  CommitBook(storage::FileSystem& files, std::string directory, std::unique_ptr<storage::Lock> lock)
      : files_(files), directory_(std::move(directory)), lock_(std::move(lock)) {}

  storage::FileSystem& files_;
  std::string directory_;
  std::unique_ptr<storage::Lock> lock_;
  Logs logs_;
};

[[nodiscard]] std::string to_text(const CommitBook::Logs& logs);
[[nodiscard]] Expected<CommitBook::Logs> parse_commit_book(const std::string& text);

}  // namespace backsight::queue::nats
