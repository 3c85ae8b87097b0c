// What a consumer tells a vantage point of one of its logs, as text:
//
//   "1 LOW"        all results below position LOW are committed: they may be freed
//   "1 LOW AGAIN"  and those from LOW to below AGAIN are missing: send them again
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backsight::queue::nats {

struct CommitMark {
  std::uint64_t low = 0;
  std::uint64_t again_end = 0;  // 0: nothing is missing

  friend bool operator==(const CommitMark&, const CommitMark&) = default;
};

[[nodiscard]] std::string to_text(const CommitMark& mark);
// Nothing: it is none, or of a version to come.
[[nodiscard]] std::optional<CommitMark> parse_commit_mark(std::string_view text);

// Numbers of headers and marks: digits and nothing else.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text, int base = 10);

}  // namespace backsight::queue::nats
