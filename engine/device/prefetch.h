// Asks for a cache line before it is needed. As instructions of our own: the compiler's prefetch
// counts as no effect, so that GCC removes functions that do nothing else, and its one for writing
// becomes one for reading on the oldest CPUs we build for.
#pragma once

namespace backsight::engine {

inline void prefetch_to_read(const void* at) noexcept {
#ifdef __x86_64__
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 0);
#endif
}

// For lines that another core may have: it lets go of them while we do something else.
inline void prefetch_to_write(void* at) noexcept {
#ifdef __x86_64__
  // Since Broadwell; older ones take it for nothing.
  asm volatile("prefetchw %0" : : "m"(*static_cast<char*>(at)));
#else
  __builtin_prefetch(at, 1);
#endif
}

}  // namespace backsight::engine
