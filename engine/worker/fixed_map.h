// A hash map of fixed room, allocated once: 32-bit keys, linear probing, deletion by shifting back.
// Values are found by index; an index holds until the next erase.
// Thread: one.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <optional>

#include "probes/assert.h"

namespace backsight::engine {

template <typename Value>
class FixedMap {
 public:
  // Room for `capacity` entries; twice as many cells.
  explicit FixedMap(std::uint32_t capacity)
      : capacity_(capacity),
        mask_(std::bit_ceil(capacity * 2U) - 1),
        cells_(std::make_unique<Cell[]>(std::size_t{mask_} + 1)) {}

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_full() const noexcept { return size_ == capacity_; }

  [[nodiscard]] Value* find(std::uint32_t key) noexcept {
    for (std::uint32_t at = home(key);; at = (at + 1) & mask_) {
      if (!cells_[at].is_used) return nullptr;
      if (cells_[at].key == key) return &cells_[at].value;
    }
  }

  // REQUIRES: the key is not in the map, and the map is not full.
  Value& insert(std::uint32_t key, const Value& value) noexcept {
    BACKSIGHT_ASSERT(!is_full());
    std::uint32_t at = home(key);
    while (cells_[at].is_used) at = (at + 1) & mask_;
    cells_[at] = Cell{value, key, true};
    ++size_;
    return cells_[at].value;
  }

  void erase(std::uint32_t key) noexcept {
    std::uint32_t hole = home(key);
    while (cells_[hole].is_used && cells_[hole].key != key) hole = (hole + 1) & mask_;
    if (!cells_[hole].is_used) return;
    for (std::uint32_t at = (hole + 1) & mask_; cells_[at].is_used; at = (at + 1) & mask_) {
      // An entry may move back only as far as its home.
      if (((at - home(cells_[at].key)) & mask_) >= ((at - hole) & mask_)) {
        cells_[hole] = cells_[at];
        hole = at;
      }
    }
    cells_[hole].is_used = false;
    --size_;
  }

 private:
  struct Cell {
    Value value{};
    std::uint32_t key = 0;
    bool is_used = false;
  };
  [[nodiscard]] std::uint32_t home(std::uint32_t key) const noexcept {
    // Fibonacci hashing: neighbours spread over the whole table.
    return static_cast<std::uint32_t>((key * 0x9e3779b97f4a7c15ULL) >> 32) & mask_;
  }

  const std::uint32_t capacity_;
  const std::uint32_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  std::uint32_t size_ = 0;
};

}  // namespace backsight::engine
