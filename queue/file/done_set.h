// Which tasks of a queue are done: all below a position, and some above it. Tasks end out of order,
// so a bit is kept for each from the first undone one on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace backsight::queue {

// The most positions between the first undone task and the last one taken: 8 MiB of bits.
inline constexpr std::uint64_t kMaxOpenSpan = std::uint64_t{1} << 26;

// Thread: one at a time.
class DoneSet {
 public:
  // Every position below is done. Position 0 is nobody's.
  [[nodiscard]] std::uint64_t low() const noexcept;
  [[nodiscard]] bool contains(std::uint64_t position) const noexcept;

  // Positions beyond low() + 2 * kMaxOpenSpan are not taken: returns false.
  bool insert(std::uint64_t position);
  // All positions below `end`, however many.
  void insert_below(std::uint64_t end);
  // Positions begin..end-1.
  bool insert_range(std::uint64_t begin, std::uint64_t end);

  // The bits from low(), rounded down to a multiple of 64, on: runs of {words of ones << 32 | words
  // as they are}, and those words.
  [[nodiscard]] std::vector<std::uint64_t> encode() const;
  // Adds what encode() wrote at a low() of `low`. Returns false when it cannot be that; then some
  // of it may be added.
  bool merge(std::uint64_t low, std::span<const std::uint64_t> code);

 private:
  void drop_full_words();

  std::uint64_t base_ = 0;              // a multiple of 64; every position below is done
  std::deque<std::uint64_t> words_{1};  // 64 positions each, from base_ on; the first is not full
};

}  // namespace backsight::queue
