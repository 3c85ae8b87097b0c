// What a program that reads at random places of much memory owes to the machine: few pages, and
// reads that begin early.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace backsight::sim {

// Asks for the cache line at `address`, which will be read soon.
inline void prefetch(const void* address) noexcept { __builtin_prefetch(address); }
// The same for what will not be read again soon, so that it drives nothing else out of the caches.
inline void prefetch_once(const void* address) noexcept { __builtin_prefetch(address, 0, 0); }

// Huge ones, where the machine has them, leave fewer translations to wait for, but are long in
// coming: not for what is written here and there.
enum class Pages : std::uint8_t { kSmall, kHuge };

// A large array that begins as zeros. Its pages are touched when first written.
template <typename T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  ZeroedArray() noexcept = default;
  // Throws std::bad_alloc if there is no memory.
  explicit ZeroedArray(std::size_t size, Pages pages = Pages::kHuge) : size_(size) {
    mapped_bytes_ = size * sizeof(T) + kHugePage;
    mapped_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    const auto start = reinterpret_cast<std::uintptr_t>(mapped_);
    const std::uintptr_t aligned = (start + kHugePage - 1) / kHugePage * kHugePage;
    data_ = reinterpret_cast<T*>(aligned);
    // Without huge pages it works as well, only slower.
    if (pages == Pages::kHuge) {
      static_cast<void>(madvise(data_, size * sizeof(T), MADV_HUGEPAGE));
    }
  }
  ZeroedArray(ZeroedArray&& other) noexcept { *this = std::move(other); }
  ZeroedArray& operator=(ZeroedArray&& other) noexcept {
    std::swap(mapped_, other.mapped_);
    std::swap(mapped_bytes_, other.mapped_bytes_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~ZeroedArray() {
    if (mapped_ != nullptr) munmap(mapped_, mapped_bytes_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return data_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  void* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace backsight::sim
