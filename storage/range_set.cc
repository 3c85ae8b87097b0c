#include "storage/range_set.h"

#include <algorithm>
#include <iterator>

namespace backsight::storage {

namespace {
constexpr std::uint64_t kFirst = 1;  // kFirstPosition of the log
}

void RangeSet::insert(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  auto next = ranges_.upper_bound(begin);
  if (next != ranges_.begin() && std::prev(next)->second >= begin) {
    --next;
    begin = next->first;
  }
  while (next != ranges_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges_.erase(next);
  }
  ranges_.emplace_hint(next, begin, end);
}

bool RangeSet::contains(std::uint64_t begin, std::uint64_t end) const noexcept {
  const auto after = ranges_.upper_bound(begin);
  return begin >= end || (after != ranges_.begin() && std::prev(after)->second >= end);
}

std::uint64_t RangeSet::low() const noexcept {
  if (ranges_.empty() || ranges_.begin()->first > kFirst) return kFirst;
  return ranges_.begin()->second;
}

std::optional<std::uint64_t> RangeSet::gap_end() const noexcept {
  auto first = ranges_.begin();
  if (first == ranges_.end()) return std::nullopt;
  if (first->first > kFirst) return first->first;
  return ++first == ranges_.end() ? std::nullopt : std::optional(first->first);
}

std::uint64_t RangeSet::end() const noexcept {
  return ranges_.empty() ? kFirst : ranges_.rbegin()->second;
}

}  // namespace backsight::storage
