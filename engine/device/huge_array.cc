#include "engine/device/huge_array.h"

#include <sys/mman.h>

#include <new>

namespace backsight::engine {

Mapping map_memory(std::size_t bytes, bool want_huge) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const std::size_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  const int protection = PROT_READ | PROT_WRITE;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* base = MAP_FAILED;
  if (want_huge) base = ::mmap(nullptr, rounded, protection, flags | MAP_HUGETLB, -1, 0);
  if (base == MAP_FAILED) {
    base = ::mmap(nullptr, rounded, protection, flags | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    // Advice: without it the memory works as well, only slower.
    if (want_huge) static_cast<void>(::madvise(base, rounded, MADV_HUGEPAGE));
  }
  return {base, rounded};
}

void unmap_memory(Mapping mapping) noexcept { ::munmap(mapping.base, mapping.bytes); }

void touch_memory(Mapping mapping) noexcept {
  constexpr std::size_t kPage = 4096;
  auto* const bytes = static_cast<volatile std::byte*>(mapping.base);
  for (std::size_t at = 0; at < mapping.bytes; at += kPage) bytes[at] = std::byte{0};
}

}  // namespace backsight::engine
