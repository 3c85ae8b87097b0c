// Runs the tests that need DPDK, which starts once for the process: no hugepages, no devices of the
// machine, no root.
#include <gtest/gtest.h>
#include <rte_eal.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

// The cores that this process may run on: the main thread stays free to move among them.
std::string own_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return "0";
  std::string cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &allowed)) cores += (cores.empty() ? "" : ",") + std::to_string(core);
  }
  return cores;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  std::vector<std::string> arguments = {argv[0],
                                        "--no-huge",
                                        "--no-shconf",
                                        "--no-pci",
                                        "-m",
                                        "256",
                                        "--no-telemetry",
                                        "--log-level",
                                        "*:error",
                                        "--lcores",
                                        "0@(" + own_cores() + ")",
                                        "--file-prefix",
                                        "test-" + std::to_string(getpid())};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(arguments.size()), pointers.data()) < 0) {
    std::fprintf(stderr, "DPDK did not start\n");
    return 1;
  }
  const int code = RUN_ALL_TESTS();
  rte_eal_cleanup();
  return code;
}
