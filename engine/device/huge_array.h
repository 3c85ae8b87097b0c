// A zeroed array too big for the heap: huge pages where they are wanted and free, else ordinary
// pages that the kernel may merge. Allocated once at start, touched as it is used.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace backsight::engine {

// Maps zeroed memory, a multiple of 2 MiB. Throws std::bad_alloc.
struct Mapping {
  void* base;
  std::size_t bytes;
};
[[nodiscard]] Mapping map_memory(std::size_t bytes, bool want_huge);
void unmap_memory(Mapping mapping) noexcept;
// Writes a zero to each page. REQUIRES: the memory is zero.
void touch_memory(Mapping mapping) noexcept;

template <typename T>
class HugeArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  // All bytes are zero: T must be valid so. Throws std::bad_alloc; start-up only.
  HugeArray(std::size_t count, bool want_huge)
      : count_(count), mapping_(map_memory(count * sizeof(T), want_huge)) {}
  HugeArray(const HugeArray&) = delete;
  HugeArray& operator=(const HugeArray&) = delete;
  ~HugeArray() { unmap_memory(mapping_); }

  [[nodiscard]] T& operator[](std::size_t index) noexcept { return data()[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const noexcept { return data()[index]; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::span<T> span() noexcept { return {data(), count_}; }
  // Touches every page: none is missing later, and each is near to the core that calls.
  // REQUIRES: nobody uses the array yet.
  void touch() noexcept { touch_memory(mapping_); }

 private:
  [[nodiscard]] T* data() const noexcept { return static_cast<T*>(mapping_.base); }

  std::size_t count_;
  Mapping mapping_;
};

}  // namespace backsight::engine
