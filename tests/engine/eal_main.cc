// Runs the tests that need DPDK, which starts once for the process: no hugepages, no devices of the
// machine, no root.
#include <gtest/gtest.h>

#include <cstdio>

#include "engine/device/eal.h"

int main(int argc, char** argv) {
  constexpr std::size_t kMemoryMb = 256;
  ::testing::InitGoogleTest(&argc, argv);
  const auto eal =
      backsight::engine::Eal::start(backsight::engine::plan_without_devices(kMemoryMb));
  if (!eal) {
    std::fprintf(stderr, "%s\n", eal.error().sentence.c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
