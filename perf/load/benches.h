// The figures that backsight-bench can measure. Each runs in a process of its own: DPDK starts
// once.
#pragma once

#include <cstdint>
#include <string>

#include "config/error.h"
#include "perf/load/figures.h"

namespace backsight::perf {

struct Options {
  double seconds = 3;
  unsigned control_core = 0;  // the benchmark's own, and the network's
  unsigned worker_core = 1;
  bool use_hugepages = false;
  std::uint32_t slots = 0;       // in-flight slots; 0: as the benchmark thinks right
  std::uint32_t timeout_ms = 0;  // of each probe; 0: likewise
  std::uint64_t forged = 0;      // flood: at least so many forged replies
  std::uint64_t frames = 0;      // guard: at least so many frames
  bool has_faults = false;       // loop: the network loses, doubles, delays and reorders
};

[[nodiscard]] Expected<Figures> bench_tx(const Options& options);
[[nodiscard]] Expected<Figures> bench_loop(const Options& options);
[[nodiscard]] Expected<Figures> bench_match(const Options& options);
[[nodiscard]] Expected<Figures> bench_trace(const Options& options);
[[nodiscard]] Expected<Figures> bench_pace(const Options& options);
[[nodiscard]] Expected<Figures> bench_flood(const Options& options);
[[nodiscard]] Expected<Figures> bench_guard(const Options& options);
[[nodiscard]] Expected<Figures> bench_kill(const Options& options);
[[nodiscard]] Expected<Figures> bench_export(const Options& options);

// Prints as it goes. Returns the exit code: 2 when no benchmark matches `filter`.
[[nodiscard]] int run_micro(const std::string& filter, bool as_json);

}  // namespace backsight::perf
