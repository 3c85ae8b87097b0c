#include "queue/nats/consumer/commit_book.h"

#include <fmt/format.h>

#include <sstream>
#include <string_view>
#include <vector>

#include "queue/nats/wire/commit_mark.h"
#include "storage/log/log_format.h"

namespace backsight::queue::nats {

namespace {

constexpr std::string_view kName = "/committed";

std::uint32_t crc_of(std::string_view text) {
  return storage::crc32_of(std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace

std::string to_text(const CommitBook::Logs& logs) {
  std::string text;
  for (const auto& [log, committed] : logs) {
    for (const auto& [begin, end] : committed.ranges()) {
      text += fmt::format("{:016x} {} {}\n", log, begin, end);
    }
  }
  return text + fmt::format("{:08x}\n", crc_of(text));
}

Expected<CommitBook::Logs> parse_commit_book(const std::string& text) {
  const auto broken = [] { return run_failed("its checksum is wrong"); };
  constexpr std::size_t kCrcLine = 9;
  if (text.size() < kCrcLine || text.back() != '\n') return broken();
  const std::string_view body = std::string_view(text).substr(0, text.size() - kCrcLine);
  if (parse_number(std::string_view(text).substr(body.size(), 8), 16) != crc_of(body)) {
    return broken();
  }
  CommitBook::Logs logs;
  std::istringstream lines{std::string(body)};
  std::string log;
  std::string begin;
  std::string end;
  while (lines >> log >> begin >> end) {
    const auto numbers = std::array{parse_number(log, 16), parse_number(begin), parse_number(end)};
    if (!numbers[0] || !numbers[1] || !numbers[2]) return broken();
    logs[*numbers[0]].insert(*numbers[1], *numbers[2]);
  }
  return logs;
}

Expected<std::unique_ptr<CommitBook>> CommitBook::open(storage::FileSystem& files,
                                                       const std::string& directory,
                                                       const std::string& vp) {
  const std::string home = directory + "/" + vp;
  if (auto made = files.make_directories(home); !made) {
    return run_failed(made.error().sentence +
                      "; what is committed is kept there (--state names another place)");
  }
  auto attempt = files.lock(home + "/lock");
  if (!attempt) return tl::unexpected(attempt.error());
  if (attempt->lock == nullptr) {
    return run_failed(
        fmt::format("{}: process {} consumes the results of {}; there can be one only", home,
                    attempt->holder_pid, vp));
  }
  const auto content = storage::read_file(files, home + std::string(kName));
  if (!content) return tl::unexpected(content.error());
  std::unique_ptr<CommitBook> book(new CommitBook(files, home, std::move(attempt->lock)));
  if (*content == nullptr) return book;
  auto logs = parse_commit_book(**content);
  if (!logs) {
    return run_failed(fmt::format(
        "{}{}: {}; restore it, or move it away and take what the broker says is committed", home,
        kName, logs.error().sentence));
  }
  book->logs_ = std::move(*logs);
  return book;
}

Expected<void> CommitBook::store(const Logs& logs) {
  const std::string path = directory_ + std::string(kName);
  const std::string next = path + ".next";
  const std::string text = to_text(logs);
  auto file = files_.open_to_write(next);
  if (!file) return tl::unexpected(file.error());
  if (auto cut = (*file)->truncate(text.size()); !cut) return cut;
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  if (auto written = (*file)->write_at(0, bytes); !written) return written;
  if (auto synced = (*file)->sync(); !synced) return synced;
  if (auto renamed = files_.rename(next, path); !renamed) return renamed;
  if (auto named = files_.sync_directory(directory_); !named) return named;
  logs_ = logs;
  return {};
}

}  // namespace backsight::queue::nats
