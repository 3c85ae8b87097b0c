// A zeroed array too big for the heap: huge pages where they are wanted and free, else ordinary
// pages that the kernel may merge. Allocated once at start, touched as it is used.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>

namespace backsight::engine {

template <typename T>
class HugeArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  // Throws std::bad_alloc; start-up only. All bytes are zero: T must be valid so.
  HugeArray(std::size_t count, bool want_huge) : count_(count) {
    constexpr std::size_t kHugePage = std::size_t{2} << 20;
    bytes_ = (count * sizeof(T) + kHugePage - 1) / kHugePage * kHugePage;
    const int protection = PROT_READ | PROT_WRITE;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (want_huge) base_ = ::mmap(nullptr, bytes_, protection, flags | MAP_HUGETLB, -1, 0);
    if (base_ == MAP_FAILED) {
      base_ = ::mmap(nullptr, bytes_, protection, flags | MAP_NORESERVE, -1, 0);
      if (base_ == MAP_FAILED) throw std::bad_alloc();
      if (want_huge) ::madvise(base_, bytes_, MADV_HUGEPAGE);
    }
  }
  HugeArray(const HugeArray&) = delete;
  HugeArray& operator=(const HugeArray&) = delete;
  ~HugeArray() { ::munmap(base_, bytes_); }

  [[nodiscard]] T& operator[](std::size_t index) noexcept { return data()[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const noexcept { return data()[index]; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::span<T> span() noexcept { return {data(), count_}; }

 private:
  [[nodiscard]] T* data() const noexcept { return static_cast<T*>(base_); }

  std::size_t count_;
  std::size_t bytes_ = 0;
  void* base_ = MAP_FAILED;
};

}  // namespace backsight::engine
