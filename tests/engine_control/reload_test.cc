#include "engine/control/reload.h"

#include <gtest/gtest.h>

namespace backsight::engine {
namespace {

config::VpConfig running() {
  config::VpConfig config;
  config.name = "tst01";
  config.id = 1;
  config.ports.resize(1);
  config.ports[0].device = "net_null0";
  return config;
}

TEST(DescribeReload, SaysThatNothingChanged) {
  EXPECT_EQ(describe_reload(running(), running(), {}),
            "rates as before; 0 ranges denied; nobody enrolled");
}

TEST(DescribeReload, NamesEachRateThatChanged) {
  config::VpConfig fresh = running();
  fresh.rates.total_pps = 500;
  fresh.rates.per_destination_pps = 0;
  EXPECT_EQ(describe_reload(running(), fresh, {.denied_ranges = 1, .has_enrolled = true}),
            "rates.total_pps 10000 -> 500, rates.per_destination_pps 10 -> 0; 1 range denied; "
            "addresses are enrolled");
}

TEST(DescribeReload, NamesTheKeysThatNeedARestart) {
  config::VpConfig fresh = running();
  fresh.ports[0].prefix_length = 24;
  fresh.engine.inflight = 64;
  EXPECT_EQ(describe_reload(running(), fresh, {.denied_ranges = 12}),
            "rates as before; 12 ranges denied; nobody enrolled; ports, engine.inflight changed "
            "too and needs a restart");
}

TEST(DescribeReload, TakesOtherListsWithoutARestart) {
  config::VpConfig fresh = running();
  fresh.deny_file = "other.txt";
  fresh.enrolled_file = "other.yaml";
  EXPECT_EQ(describe_reload(running(), fresh, {.denied_ranges = 2}),
            "rates as before; 2 ranges denied; nobody enrolled");
}

}  // namespace
}  // namespace backsight::engine
