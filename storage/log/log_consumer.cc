#include "storage/log/log_consumer.h"

#include <fmt/format.h>

#include <utility>

namespace backsight::storage {

LogConsumer::LogConsumer(FileSystem& files, std::string directory, std::unique_ptr<Lock> lock,
                         DurableNumber mark)
    : files_(files),
      directory_(std::move(directory)),
      lock_(std::move(lock)),
      mark_(std::move(mark)),
      reader_(files, directory_, mark_.value()) {}

Expected<std::unique_ptr<LogConsumer>> LogConsumer::open(FileSystem& files,
                                                         const std::string& directory,
                                                         const char* items) {
  if (auto made = files.make_directories(directory); !made) return tl::unexpected(made.error());
  auto attempt = files.lock(directory + "/consumer");
  if (!attempt) return tl::unexpected(attempt.error());
  if (attempt->lock == nullptr) {
    return run_failed(fmt::format("{}: process {} consumes these {}; there can be one only",
                                  directory, attempt->holder_pid, items));
  }
  auto mark = DurableNumber::open(files, directory, "mark");
  if (!mark) return tl::unexpected(mark.error());
  return std::unique_ptr<LogConsumer>(
      new LogConsumer(files, directory, std::move(attempt->lock), std::move(*mark)));
}

Expected<void> LogConsumer::commit(std::uint64_t end) {
  if (end <= mark_.value()) return {};
  if (auto stored = mark_.store(end); !stored) return stored;
  return free_segments(files_, directory_, end);
}

}  // namespace backsight::storage
