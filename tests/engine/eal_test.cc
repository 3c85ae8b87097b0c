// What EAL is started with.
#include "engine/device/eal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <iterator>

namespace backsight::engine {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// On a core that this process may run on.
config::EalConfig some_cores() {
  config::EalConfig config;
  config.control = static_cast<unsigned>(sched_getcpu());
  config.workers = {config.control};
  config.hugepages = config::EalConfig::Hugepages::kOff;
  return config;
}

std::string value_after(const std::vector<std::string>& arguments, const std::string& option) {
  const auto found = std::ranges::find(arguments, option);
  return found == arguments.end() ? "" : *std::next(found);
}

TEST(EalPlan, NamesCoresDevicesAndWhoseItIs) {
  config::EalConfig config = some_cores();
  config.arguments = {"--log-level=lib.eal:debug"};
  const auto plan = plan_eal(config, {.name = "ams01", .devices = {"net_null0", "net_ring1"}});
  ASSERT_TRUE(plan) << plan.error().sentence;
  EXPECT_FALSE(plan->uses_hugepages);
  EXPECT_EQ(value_after(plan->arguments, "--lcores"),
            "0@" + std::to_string(config.control) + ",1@" + std::to_string(config.control));
  EXPECT_EQ(value_after(plan->arguments, "-m"), "96");
  EXPECT_THAT(value_after(plan->arguments, "--file-prefix"), HasSubstr("backsight-ams01-"));
  EXPECT_THAT(plan->arguments, Contains("net_null0"));
  EXPECT_THAT(plan->arguments, Contains("net_ring1"));
  EXPECT_THAT(plan->arguments, Contains("--no-pci"));
  EXPECT_EQ(plan->arguments.back(), "--log-level=lib.eal:debug");
}

TEST(EalPlan, KeepsTheNameOfTheFolderForTelemetry) {
  config::EalConfig config = some_cores();
  config.telemetry = true;
  const auto plan = plan_eal(config, {.name = "ams01", .devices = {}});
  ASSERT_TRUE(plan) << plan.error().sentence;
  EXPECT_EQ(value_after(plan->arguments, "--file-prefix"), "backsight-ams01");
}

TEST(EalPlan, NamesTheKeyOfACoreThatIsNotOurs) {
  config::EalConfig config = some_cores();
  config.workers = {config::kMaxCores - 1};
  const auto said = [&config](const EalUser& user) {
    return plan_eal(config, user).error().sentence;
  };
  EXPECT_THAT(said({.name = "ams01", .devices = {}}),
              HasSubstr("engine.workers: core 1023 is not ours to use"));
  EXPECT_THAT(said({.name = "sim", .devices = {}, .workers_key = "engine.worker"}),
              HasSubstr("engine.worker: core 1023 is not ours to use"));
}

TEST(EalPlan, RefusesADeviceOfNoInterface) {
  const auto plan = plan_eal(some_cores(), {.name = "ams01", .devices = {"net_af_packet0"}});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().sentence,
            "port net_af_packet0: no interface named; write net_af_packet0,iface=eth1");
}

}  // namespace
}  // namespace backsight::engine
