// Results out of the queue of a vantage point: for the one consumer that commits them, and for
// whoever only looks on. One interface for the file log and for brokers (queue/client.h opens
// them).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "queue/file/layout.h"
#include "storage/log/log_consumer.h"
#include "tasks/codec/codec.h"

namespace backsight::queue {

// One message of results, as the vantage point put it.
struct StoredResults {
  tasks::ResultMessage message;
  std::uint64_t position = 0;  // of its first record in the vantage point's log
  std::uint64_t end = 0;       // behind its last one
};

// The one consumer of a vantage point's results: it gets each once. What it was given and has not
// committed when it dies is given again.
// Thread: one at a time.
class ResultSource {
 public:
  virtual ~ResultSource() = default;

  // Returns the next message, or nothing when there is none for now; never waits long. Damage that
  // was passed on the way is told in `complaints`.
  [[nodiscard]] virtual Expected<std::optional<StoredResults>> next(
      std::vector<std::string>& complaints) = 0;

  // Everything that next() has returned is the consumer's now: durable on return.
  [[nodiscard]] virtual Expected<void> commit() = 0;

  // What keeps results from coming though next() does not fail, one sentence that stays the same as
  // long as it lasts; empty: nothing. It ends by itself.
  [[nodiscard]] virtual std::string trouble() const { return {}; }
};

// Looks on from now on, and commits nothing.
// Thread: one at a time.
class ResultTail {
 public:
  virtual ~ResultTail() = default;
  [[nodiscard]] virtual Expected<std::optional<StoredResults>> next(
      std::vector<std::string>& complaints) = 0;
};

class FileResultSource final : public ResultSource {
 public:
  // Fails when another process consumes the results of this vantage point.
  [[nodiscard]] static Expected<std::unique_ptr<FileResultSource>> open(storage::FileSystem& files,
                                                                        const VpLayout& layout);

  [[nodiscard]] Expected<std::optional<StoredResults>> next(
      std::vector<std::string>& complaints) override;
  [[nodiscard]] Expected<void> commit() override { return commit(log_->position()); }

  // Everything below `end` is the consumer's now. Frees segments.
  [[nodiscard]] Expected<void> commit(std::uint64_t end) { return log_->commit(end); }
  [[nodiscard]] std::uint64_t committed() const noexcept { return log_->committed(); }

 private:
  explicit FileResultSource(std::unique_ptr<storage::LogConsumer> log) : log_(std::move(log)) {}

  std::unique_ptr<storage::LogConsumer> log_;
};

class FileResultTail final : public ResultTail {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<FileResultTail>> open(storage::FileSystem& files,
                                                                      const VpLayout& layout);
  [[nodiscard]] Expected<std::optional<StoredResults>> next(
      std::vector<std::string>& complaints) override;

 private:
  FileResultTail(storage::FileSystem& files, std::string directory, std::uint64_t position)
      : directory_(directory), reader_(files, std::move(directory), position) {}

  std::string directory_;
  storage::LogReader reader_;
};

// How often to look for more: a look costs a few system calls, so files are looked at rather than
// watched.
inline constexpr std::chrono::milliseconds kResultPoll{10};

}  // namespace backsight::queue
