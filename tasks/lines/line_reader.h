// Lines of bounded length out of a file, pipe, socket or terminal, whether reading it blocks or
// not: how task lines come in. Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "config/error.h"

namespace backsight::tasks {

class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 10;

  enum class Got {
    kLine,
    kTooLong,     // longer than kMaxLineBytes; it is passed over
    kNothingYet,  // whoever writes is slow
    kEnd,
  };

  // `name` stands in errors. `descriptor` stays the caller's.
  LineReader(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

  // Never waits. Puts a line into `line`, without its end; good until the next call. A last line
  // needs no end.
  [[nodiscard]] Expected<Got> next(std::string_view& line);
  // Of the line that next() told of last; from 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  // True if next() can only say kEnd.
  [[nodiscard]] bool is_at_end() const noexcept { return at_end_ && begin_ == held_.size(); }
  // The sentence for a line that is too long.
  [[nodiscard]] static std::string too_long();

 private:
  enum class Read { kSome, kNothingYet, kEnd };
  [[nodiscard]] Expected<Read> read_on();
  [[nodiscard]] Got take(std::size_t end, std::string_view& line);

  const int descriptor_;
  const std::string name_;
  std::string held_;
  std::size_t begin_ = 0;     // of what was not yet told of
  std::size_t searched_ = 0;  // no end of line before this
  std::uint64_t number_ = 0;
  bool at_end_ = false;
  bool skips_line_ = false;  // the rest of a line that was told to be too long
};

}  // namespace backsight::tasks
