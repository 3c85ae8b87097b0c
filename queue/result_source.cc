#include "queue/result_source.h"

#include <fmt/format.h>

#include <algorithm>

namespace backsight::queue {

namespace {

// Returns the next record that is a message; one that is none is told and left out.
Expected<std::optional<StoredResults>> next_message(LogReader& reader, const std::string& directory,
                                                    std::vector<std::string>& complaints) {
  while (true) {
    const auto record = reader.next(complaints);
    if (!record) return tl::unexpected(record.error());
    if (!*record) return std::nullopt;
    auto message = decode_results((*record)->payload);
    if (message) return StoredResults{std::move(*message), (*record)->position, (*record)->end()};
    complaints.push_back(fmt::format("{}: results {} to {} are left out: {}", directory,
                                     (*record)->position, (*record)->end() - 1,
                                     message.error().sentence));
  }
}

}  // namespace

ResultSource::ResultSource(FileSystem& files, std::string directory, std::unique_ptr<Lock> lock,
                           DurableNumber mark)
    : files_(files),
      directory_(std::move(directory)),
      lock_(std::move(lock)),
      mark_(std::move(mark)),
      reader_(files, directory_, mark_.value()) {}

Expected<std::unique_ptr<ResultSource>> ResultSource::open(FileSystem& files,
                                                           const VpLayout& layout) {
  if (auto made = files.make_directories(layout.results); !made) {
    return tl::unexpected(made.error());
  }
  auto attempt = files.lock(layout.results + "/consumer");
  if (!attempt) return tl::unexpected(attempt.error());
  if (attempt->lock == nullptr) {
    return run_failed(fmt::format("{}: process {} consumes these results; there can be one only",
                                  layout.results, attempt->holder_pid));
  }
  auto mark = DurableNumber::open(files, layout.results, "mark");
  if (!mark) return tl::unexpected(mark.error());
  return std::unique_ptr<ResultSource>(
      new ResultSource(files, layout.results, std::move(attempt->lock), std::move(*mark)));
}

Expected<std::optional<StoredResults>> ResultSource::next(std::vector<std::string>& complaints) {
  return next_message(reader_, directory_, complaints);
}

Expected<void> ResultSource::commit(std::uint64_t end) {
  if (end <= mark_.value()) return {};
  if (auto stored = mark_.store(end); !stored) return stored;
  return free_segments(files_, directory_, end);
}

Expected<std::unique_ptr<ResultTail>> ResultTail::open(FileSystem& files, const VpLayout& layout) {
  const auto end = log_end(files, layout.results);
  if (!end) return tl::unexpected(end.error());
  return std::unique_ptr<ResultTail>(new ResultTail(files, layout.results, *end));
}

Expected<std::optional<StoredResults>> ResultTail::next(std::vector<std::string>& complaints) {
  return next_message(reader_, directory_, complaints);
}

}  // namespace backsight::queue
