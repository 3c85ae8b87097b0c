// --set key=value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lines.h"

namespace backsight::config {
namespace {

using ::testing::ElementsAre;

VpConfig with_set(const Lines& overrides, const Lines& more = {}) {
  const auto config = parse_config<VpConfig>(with(more), "vp.yaml", overrides);
  EXPECT_TRUE(config) << as_error(config.error()).sentence;
  return config.value_or(VpConfig{});
}

TEST(VpOverride, ReplacesAValueOfTheFile) {
  EXPECT_EQ(with_set({"rates.total_pps=5"}, {"rates: {total_pps: 7}"}).rates.total_pps, 5U);
  EXPECT_EQ(with_set({"name=fra02"}).name, "fra02");
}

TEST(VpOverride, AddsAKeyThatTheFileDoesNotHave) {
  EXPECT_EQ(with_set({"engine.idle=adaptive"}).engine.idle, EngineConfig::Idle::kAdaptive);
}

TEST(VpOverride, MendsAFaultOfTheFile) {
  EXPECT_EQ(with_set({"rates.total_pps=5"}, {"rates: {total_pps: fast}"}).rates.total_pps, 5U);
}

TEST(VpOverride, KeepsTheLastOfAKey) { EXPECT_EQ(with_set({"id=2", "id=3"}).id, 3); }

TEST(VpOverride, ReachesIntoPorts) {
  const VpConfig config = with_set({"ports.0.address=192.0.2.20/28", "ports.1.device=net_null0",
                                    "ports.1.address=198.51.100.1/24"});
  ASSERT_EQ(config.ports.size(), 2U);
  EXPECT_EQ(to_string(config.ports[0].address), "192.0.2.20");
  EXPECT_EQ(config.ports[1].device, "net_null0");
}

TEST(VpOverride, KeepsCommasAndEqualSignsOfAValue) {
  EXPECT_EQ(with_set({"ports.0.device=net_af_packet0,iface=eth1"}).ports[0].device,
            "net_af_packet0,iface=eth1");
}

TEST(VpOverride, ReadsListsWithAndWithoutBrackets) {
  EXPECT_THAT(with_set({"engine.workers=2, 3"}).engine.workers, ElementsAre(2, 3));
  EXPECT_THAT(with_set({"engine.workers=[4,5]"}).engine.workers, ElementsAre(4, 5));
  EXPECT_THAT(with_set({R"(engine.eal=["--vdev=net_null0,size=64"])"}).engine.arguments,
              ElementsAre("--vdev=net_null0,size=64"));
}

TEST(VpOverride, ReplacesOneItemOfAList) {
  EXPECT_THAT(with_set({"engine.workers.1=7"}, {"engine: {workers: [2, 3]}"}).engine.workers,
              ElementsAre(2, 7));
}

TEST(VpOverride, SwitchesAnOptionalKeyOff) {
  const VpConfig config =
      with_set({"deny=", "spoofing.enrolled="}, {"deny: d", "spoofing: {enrolled: e}"});
  EXPECT_EQ(config.deny_file, "");
  EXPECT_EQ(config.enrolled_file, "");
  EXPECT_EQ(faults_of(with({}), {"name="}),
            "--set name: has no value; write 1 to 63 of a-z, 0-9 and -, such as ams01");
}

TEST(VpOverride, NamesItselfInFaults) {
  EXPECT_EQ(faults_of(with({}), {"rates.total_pps=fast"}),
            "--set rates.total_pps: \"fast\" is not a whole number; write packets a second, such "
            "as 10000");
  EXPECT_EQ(faults_of(with({}), {"engine.workers=[2,2]"}),
            "--set engine.workers: core 2 stands twice; write a list of different cores, each "
            "below 1024, such as [2, 3]");
}

TEST(VpOverride, RefusesUnknownKeys) {
  EXPECT_EQ(faults_of(with({}), {"rates.totl_pps=5"}),
            "--set rates.totl_pps: is no key; did you mean rates.total_pps?");
}

TEST(VpOverride, RefusesWhatIsNoKeyAndValue) {
  EXPECT_EQ(faults_of(with({}), {"rates.total_pps"}),
            "--set rates.total_pps: has no value; write --set key=value, such as "
            "rates.total_pps=5");
  EXPECT_EQ(faults_of(with({}), {"=5"}),
            "--set : has no value; write --set key=value, such as rates.total_pps=5");
  EXPECT_EQ(faults_of(with({}), {"rates..total_pps=5"}),
            "--set rates..total_pps: has an empty part; write --set key=value, such as "
            "rates.total_pps=5");
}

TEST(VpOverride, RefusesAPortThatWouldLeaveAGap) {
  EXPECT_EQ(faults_of(with({}), {"ports.2.device=net_null0"}),
            "--set ports.2.device: \"2\" names no item of a list of 1; write a number, 0..1 (1 "
            "appends)");
  EXPECT_EQ(faults_of(with({}), {"ports.x.device=net_null0"}),
            "--set ports.x.device: \"x\" names no item of a list of 1; write a number, 0..1 (1 "
            "appends)");
}

TEST(VpOverride, DoesNotHideAFaultOfTheFile) {
  EXPECT_EQ(faults_of(with({"rates: 5"}), {"rates.rr_pps=5"}),
            "vp.yaml:8: rates: is a section, not a value; write keys below it, of total_pps, "
            "rr_pps, per_destination_pps, per_prefix24_pps, per_spoofed_source_pps\n"
            "--set rates.rr_pps: lies below rates, which is a value; correct that first");
}

TEST(VpOverride, SurvivesNestingWithoutEnd) {
  std::string deep = "a";
  for (int i = 0; i < 100'000; ++i) {
    deep += ".a";
  }
  EXPECT_NE(faults_of(with({}), {deep + "=1"}), "none");
}

}  // namespace
}  // namespace backsight::config
