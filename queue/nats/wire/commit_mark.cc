#include "queue/nats/wire/commit_mark.h"

#include <fmt/format.h>

#include <charconv>

namespace backsight::queue::nats {

std::string to_text(const CommitMark& mark) {
  return mark.again_end == 0 ? fmt::format("1 {}", mark.low)
                             : fmt::format("1 {} {}", mark.low, mark.again_end);
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<CommitMark> parse_commit_mark(std::string_view text) {
  if (!text.starts_with("1 ")) return std::nullopt;
  text.remove_prefix(2);
  const std::size_t blank = text.find(' ');
  const auto low = parse_number(text.substr(0, blank));
  if (!low || *low == 0) return std::nullopt;
  if (blank == text.npos) return CommitMark{*low, 0};
  const auto again = parse_number(text.substr(blank + 1));
  if (!again || *again <= *low) return std::nullopt;
  return CommitMark{*low, *again};
}

}  // namespace backsight::queue::nats
