// Code that is compiled once for each width of register, and chosen when the program runs.
//
// A body is an inline function marked BACKSIGHT_EACH_TARGET, on vectors of probes::Lanes; a
// function with BACKSIGHT_TARGET_256 or _512 that calls it has it compiled for CPUs with AVX2 or
// AVX-512, one without for every CPU. Only call what cpu_registers() allows.
#pragma once

#include <cstddef>
#include <cstdint>

#define BACKSIGHT_EACH_TARGET [[gnu::always_inline]] inline
#ifdef __x86_64__
#define BACKSIGHT_TARGET_256 [[gnu::target("avx2")]]
#define BACKSIGHT_TARGET_512 [[gnu::target("avx512f,avx512dq")]]
#else
#define BACKSIGHT_TARGET_256
#define BACKSIGHT_TARGET_512
#endif

namespace backsight::probes {

// Eight 64-bit numbers: one register of AVX-512, two of AVX2, four of what every x86-64 has.
inline constexpr std::size_t kLanes = 8;
using Lanes [[gnu::vector_size(kLanes * sizeof(std::uint64_t))]] = std::uint64_t;

// The widest registers of this CPU that we have code for, in bits: 512, 256 or 128.
[[nodiscard]] inline unsigned cpu_registers() noexcept {
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return 512;
  if (__builtin_cpu_supports("avx2")) return 256;
#endif
  return 128;
}

}  // namespace backsight::probes
