// Results out of the queue of a vantage point: for the one consumer that commits them, and for
// whoever only looks on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "queue/codec.h"
#include "queue/layout.h"
#include "queue/log/durable_number.h"
#include "queue/log/log_reader.h"

namespace backsight::queue {

// One message of results, as the vantage point put it.
struct StoredResults {
  ResultMessage message;
  std::uint64_t position = 0;  // of its first record in the log
  std::uint64_t end = 0;       // for commit()
};

// The one consumer of a vantage point's results: it gets each once. What it was given and has not
// committed when it dies is given again.
// Thread: one at a time.
class ResultSource {
 public:
  // Fails when another process consumes the results of this vantage point.
  [[nodiscard]] static Expected<std::unique_ptr<ResultSource>> open(FileSystem& files,
                                                                    const VpLayout& layout);

  // Returns the next message, or nothing when there is none for now; never waits. Damage that was
  // passed on the way is told in `complaints`.
  [[nodiscard]] Expected<std::optional<StoredResults>> next(std::vector<std::string>& complaints);

  // Everything below `end` is the consumer's now: durable on return. Frees segments.
  [[nodiscard]] Expected<void> commit(std::uint64_t end);

  [[nodiscard]] std::uint64_t committed() const noexcept { return mark_.value(); }

 private:
  ResultSource(FileSystem& files, std::string directory, std::unique_ptr<Lock> lock,
               DurableNumber mark);

  FileSystem& files_;
  std::string directory_;
  std::unique_ptr<Lock> lock_;
  DurableNumber mark_;
  LogReader reader_;
};

// Looks on from now on, and commits nothing.
// Thread: one at a time.
class ResultTail {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<ResultTail>> open(FileSystem& files,
                                                                  const VpLayout& layout);
  [[nodiscard]] Expected<std::optional<StoredResults>> next(std::vector<std::string>& complaints);

 private:
  ResultTail(FileSystem& files, std::string directory, std::uint64_t position)
      : directory_(directory), reader_(files, std::move(directory), position) {}

  std::string directory_;
  LogReader reader_;
};

// How often to look for more: a look costs a few system calls, so files are looked at rather than
// watched.
inline constexpr std::chrono::milliseconds kResultPoll{10};

}  // namespace backsight::queue
