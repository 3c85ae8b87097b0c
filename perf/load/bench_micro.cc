// micro: the pieces one by one, by Google Benchmark (perf/micro): craft, parse, checksum, tag,
// claim.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "perf/load/benches.h"

namespace backsight::perf {

int run_micro(const std::string& filter, bool as_json) {
  std::vector<std::string> arguments = {"backsight-bench micro"};
  if (!filter.empty()) arguments.push_back("--benchmark_filter=" + filter);
  if (as_json) arguments.emplace_back("--benchmark_format=json");
  std::vector<char*> argv;
  for (std::string& it : arguments) argv.push_back(it.data());
  auto count = static_cast<int>(argv.size());
  benchmark::Initialize(&count, argv.data());
  const std::size_t run = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return run == 0 ? 2 : 0;
}

}  // namespace backsight::perf
