#include "queue/result_source.h"

#include <fmt/format.h>

#include <algorithm>

namespace backsight::queue {

namespace {

// Returns the next record that is a message; one that is none is told and left out. `Log` is a
// LogConsumer or a LogReader.
template <typename Log>
Expected<std::optional<StoredResults>> next_message(Log& log, const std::string& directory,
                                                    std::vector<std::string>& complaints) {
  while (true) {
    const auto record = log.next(complaints);
    if (!record) return tl::unexpected(record.error());
    if (!*record) return std::nullopt;
    auto message = tasks::decode_results((*record)->payload);
    if (message) return StoredResults{std::move(*message), (*record)->position, (*record)->end()};
    complaints.push_back(fmt::format("{}: results {} to {} are left out: {}", directory,
                                     (*record)->position, (*record)->end() - 1,
                                     message.error().sentence));
  }
}

}  // namespace

Expected<std::unique_ptr<FileResultSource>> FileResultSource::open(storage::FileSystem& files,
                                                                   const VpLayout& layout) {
  auto log = storage::LogConsumer::open(files, layout.results, "results");
  if (!log) return tl::unexpected(log.error());
  return std::unique_ptr<FileResultSource>(new FileResultSource(std::move(*log)));
}

Expected<std::optional<StoredResults>> FileResultSource::next(
    std::vector<std::string>& complaints) {
  return next_message(*log_, log_->directory(), complaints);
}

Expected<std::unique_ptr<FileResultTail>> FileResultTail::open(storage::FileSystem& files,
                                                               const VpLayout& layout) {
  const auto end = log_end(files, layout.results);
  if (!end) return tl::unexpected(end.error());
  return std::unique_ptr<FileResultTail>(new FileResultTail(files, layout.results, *end));
}

Expected<std::optional<StoredResults>> FileResultTail::next(std::vector<std::string>& complaints) {
  return next_message(reader_, directory_, complaints);
}

}  // namespace backsight::queue
