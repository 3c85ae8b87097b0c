// What was odd in a file that is read as far as it is good: the first few by place, the rest by
// number.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backsight::controller {

class Complaints {
 public:
  static constexpr std::size_t kShown = 5;

  // `unit` is what is counted: "line", "row".
  Complaints(std::string file, std::string unit) : file_(std::move(file)), unit_(std::move(unit)) {}

  void add(std::uint64_t number, std::string_view sentence) {
    ++count_;
    if (sentences_.size() < kShown) {
      sentences_.push_back(fmt::format("{}: {} {}: {}", file_, unit_, number, sentence));
    }
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::vector<std::string> take() {
    if (count_ > sentences_.size()) {
      sentences_.push_back(fmt::format("{}: the same or the like in {} more {}s", file_,
                                       count_ - sentences_.size(), unit_));
    }
    return std::move(sentences_);
  }

 private:
  std::string file_;
  std::string unit_;
  std::uint64_t count_ = 0;
  std::vector<std::string> sentences_;
};

}  // namespace backsight::controller
