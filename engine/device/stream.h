// Writes whole cache lines past the caches, for another core to read. An ordinary store would first
// fetch the line from the core that read it last, and everything stored later would wait for that.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#else
#include <atomic>
#include <cstring>
#endif

#include <cstddef>
#include <type_traits>

namespace backsight::engine {

// REQUIRES: `to` begins a cache line. Others may see it only after finish_streams().
template <typename T>
inline void stream_line(void* to, const T& from) noexcept {
  static_assert(sizeof(T) == 64 && alignof(T) == 64 && std::is_trivially_copyable_v<T>);
#ifdef __SSE2__
  const auto* const source = reinterpret_cast<const __m128i*>(&from);
  auto* const target = static_cast<__m128i*>(to);
  for (int i = 0; i < 4; ++i) _mm_stream_si128(target + i, _mm_load_si128(source + i));
#else
  std::memcpy(to, &from, sizeof from);
#endif
}

// What was streamed before is seen before what is stored from now on.
inline void finish_streams() noexcept {
#ifdef __SSE2__
  _mm_sfence();
#else
  std::atomic_thread_fence(std::memory_order_release);
#endif
}

}  // namespace backsight::engine
