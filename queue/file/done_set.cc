#include "queue/file/done_set.h"

#include <algorithm>
#include <bit>

namespace backsight::queue {

namespace {

constexpr std::uint64_t kWordBits = 64;
constexpr std::uint64_t kFull = ~std::uint64_t{0};
constexpr std::uint64_t kMaxWords = 2 * kMaxOpenSpan / kWordBits;

}  // namespace

std::uint64_t DoneSet::low() const noexcept {
  return base_ + static_cast<std::uint64_t>(std::countr_one(words_.front()));
}

bool DoneSet::contains(std::uint64_t position) const noexcept {
  if (position < base_) return true;
  const std::uint64_t word = (position - base_) / kWordBits;
  if (word >= words_.size()) return false;
  return (words_[word] >> (position % kWordBits) & 1) != 0;
}

bool DoneSet::insert(std::uint64_t position) { return insert_range(position, position + 1); }

bool DoneSet::insert_range(std::uint64_t begin, std::uint64_t end) {
  begin = std::max(begin, base_);
  if (begin >= end) return true;
  const std::uint64_t last = (end - 1 - base_) / kWordBits;
  if (last >= kMaxWords) return false;
  if (last >= words_.size()) words_.resize(last + 1);
  for (std::uint64_t word = (begin - base_) / kWordBits; word <= last; ++word) {
    const std::uint64_t from = base_ + word * kWordBits;
    std::uint64_t bits = kFull;
    if (begin > from) bits &= kFull << (begin - from);
    if (end < from + kWordBits) bits &= ~(kFull << (end - from));
    words_[word] |= bits;
  }
  drop_full_words();
  return true;
}

void DoneSet::insert_below(std::uint64_t end) {
  if (end <= base_) return;
  const std::uint64_t words = (end - base_) / kWordBits;
  words_.erase(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(
                                                    std::min<std::uint64_t>(words, words_.size())));
  base_ += words * kWordBits;
  if (words_.empty()) words_.push_back(0);
  words_.front() |= ~(kFull << (end - base_));
  drop_full_words();
}

void DoneSet::drop_full_words() {
  while (words_.front() == kFull) {
    words_.pop_front();
    base_ += kWordBits;
    if (words_.empty()) words_.push_back(0);
  }
}

std::vector<std::uint64_t> DoneSet::encode() const {
  std::vector<std::uint64_t> code;
  std::size_t at = 0;
  while (at < words_.size()) {
    std::uint64_t ones = 0;
    while (at < words_.size() && words_[at] == kFull) ++at, ++ones;
    const std::size_t head = code.size();
    code.push_back(0);
    while (at < words_.size() && words_[at] != kFull) code.push_back(words_[at++]);
    code[head] = ones << 32 | (code.size() - head - 1);
  }
  return code;
}

bool DoneSet::merge(std::uint64_t low, std::span<const std::uint64_t> code) {
  insert_below(low);
  std::uint64_t position = low / kWordBits * kWordBits;
  std::uint64_t words = 0;
  while (!code.empty()) {
    const std::uint64_t ones = code[0] >> 32;
    const std::uint64_t literals = code[0] & 0xffffffff;
    words += ones + literals;
    if (literals > code.size() - 1 || words > kMaxWords) return false;
    if (!insert_range(position, position + ones * kWordBits)) return false;
    position += ones * kWordBits;
    for (const std::uint64_t word : code.subspan(1, literals)) {
      for (std::uint64_t bits = word; bits != 0; bits &= bits - 1) {
        if (!insert(position + static_cast<std::uint64_t>(std::countr_zero(bits)))) return false;
      }
      position += kWordBits;
    }
    code = code.subspan(1 + literals);
  }
  return true;
}

}  // namespace backsight::queue
