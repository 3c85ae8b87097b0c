#include "tasks/lines/line_reader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tasks/lines/stream.h"

namespace backsight::tasks {

namespace {
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
}  // namespace

std::string LineReader::too_long() {
  return fmt::format("the line is longer than {} bytes; a task is one JSON object a line",
                     kMaxLineBytes);
}

Expected<LineReader::Got> LineReader::next(std::string_view& line) {
  while (true) {
    const std::size_t end = held_.find('\n', searched_);
    if (end != std::string::npos) {
      if (const Got got = take(end, line); got != Got::kNothingYet) return got;
      continue;
    }
    searched_ = held_.size();
    if (searched_ - begin_ > kMaxLineBytes) {
      held_.clear();
      begin_ = searched_ = 0;
      if (!std::exchange(skips_line_, true)) {
        ++number_;
        return Got::kTooLong;
      }
    }
    const auto read = read_on();
    if (!read) return tl::unexpected(read.error());
    if (*read == Read::kNothingYet) return Got::kNothingYet;
    if (*read == Read::kEnd && begin_ == held_.size()) return Got::kEnd;
  }
}

// Of the line that ends there. kNothingYet: it was told of before.
LineReader::Got LineReader::take(std::size_t end, std::string_view& line) {
  line = std::string_view(held_).substr(begin_, end - begin_);
  begin_ = searched_ = end + 1;
  if (std::exchange(skips_line_, false)) return Got::kNothingYet;
  ++number_;
  return line.size() > kMaxLineBytes ? Got::kTooLong : Got::kLine;
}

Expected<LineReader::Read> LineReader::read_on() {
  if (at_end_) return Read::kEnd;
  if (!wait_readable(descriptor_, std::chrono::milliseconds(0))) return Read::kNothingYet;
  held_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  const std::size_t had = held_.size();
  held_.resize(had + kReadBytes);
  const ssize_t got = ::read(descriptor_, held_.data() + had, kReadBytes);
  held_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got > 0) return Read::kSome;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Read::kNothingYet;
  if (got < 0) {
    return run_failed(fmt::format("{}: cannot be read: {}", name_, std::strerror(errno)));
  }
  at_end_ = true;
  if (skips_line_) held_.clear();
  searched_ = std::min(searched_, held_.size());
  if (!held_.empty()) held_ += '\n';  // a last line without its end is a line
  return Read::kEnd;
}

}  // namespace backsight::tasks
