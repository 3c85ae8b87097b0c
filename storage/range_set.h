// Positions of a log that somebody has: all below a position, mostly, and a few ranges above it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace backsight::storage {

// Thread: one at a time.
class RangeSet {
 public:
  // Adds begin..end-1.
  void insert(std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] bool contains(std::uint64_t begin, std::uint64_t end) const noexcept;
  // The first position that is missing; 1 when nothing is there.
  [[nodiscard]] std::uint64_t low() const noexcept;
  // Where the first gap ends; nothing when there is none.
  [[nodiscard]] std::optional<std::uint64_t> gap_end() const noexcept;
  // The position behind all that is there.
  [[nodiscard]] std::uint64_t end() const noexcept;

  // Begin to end; ranges neither touch nor overlap.
  [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& ranges() const noexcept {
    return ranges_;
  }
  friend bool operator==(const RangeSet&, const RangeSet&) = default;

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;
};

}  // namespace backsight::storage
