// sim.yaml: the shipped example and the manual are in step with the code, and what is wrong is
// told.
//   BACKSIGHT_WRITE=1 test_config --gtest_filter='SimFiles.*'
#include <gtest/gtest.h>

#include <sstream>

#include "config/sim/sim_config.h"
#include "in_step.h"

namespace backsight::config {
namespace {

// The simulation of the manual.
constexpr std::string_view kDocumented = R"(
ports:
  - {device: "net_af_packet0,iface=sim0", vantage_points: 2}
  - {device: "net_af_packet1,iface=sim1", first_vantage_point: 2}
)";

std::string faults_in(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const auto config = parse_config<SimConfig>(text, "sim.yaml", overrides);
  return config ? "none" : as_error(config.error()).sentence;
}

TEST(SimFiles, TheExampleIsWhatIsPrinted) {
  const auto config = parse_config<SimConfig>(std::string(kDocumented), "sim.yaml");
  ASSERT_TRUE(config) << as_error(config.error()).sentence;
  expect_in_step(kExamples / "sim.yaml", print_config(*config));
}

TEST(SimFiles, WhatIsPrintedIsReadBack) {
  const auto config = parse_config<SimConfig>(std::string(kDocumented), "sim.yaml");
  ASSERT_TRUE(config);
  const auto again = parse_config<SimConfig>(print_config(*config), "sim.yaml");
  ASSERT_TRUE(again) << as_error(again.error()).sentence;
  EXPECT_EQ(*config, *again);
}

TEST(SimFiles, TheExampleLoadsAndFitsItsColumns) {
  const auto config = load_config<SimConfig>(kExamples / "sim.yaml");
  ASSERT_TRUE(config) << as_error(config.error()).sentence;
  EXPECT_EQ(config->ports.size(), 2U);
  EXPECT_EQ(config->world, WorldConfig{});
  std::istringstream lines(file_text(kExamples / "sim.yaml"));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100U) << line;
  }
}

TEST(SimFiles, TheManualHoldsTheTableOfTheKeys) {
  expect_table_in_step(kRoot / "docs/simulation-configuration.md", "keys of sim.yaml",
                       print_manual<SimConfig>());
}

TEST(SimFiles, AnEmptyFileIsTheDefaultInternetWithoutPorts) {
  const auto config = parse_config<SimConfig>("", "sim.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(*config, SimConfig{});
}

TEST(SimFiles, AllFaultsAreToldAtOnceEachWithItsPlace) {
  const std::string told = faults_in(
      "seed: many\ntopology: {ases: 10, address_space: [16.0.0.1/4]}\nbehaviour:\n"
      "  routers_silent: 1.5\n  routers_laud: 0.5\ndynamics: {loss: nan}\n"
      "ports:\n  - {device: eth0}\n  - {device: net_ring0, vantage_points: 500}\n");
  for (const char* const part : {"sim.yaml:1: seed: \"many\"", "sim.yaml:2: topology.ases",
                                 "sim.yaml:2: topology.address_space",
                                 "sim.yaml:4: behaviour.routers_silent: \"1.5\" is outside 0..1",
                                 "sim.yaml:5: behaviour.routers_laud", "sim.yaml:6: dynamics.loss",
                                 "sim.yaml:8: ports.0.device", "ports.1.vantage_points"}) {
    EXPECT_NE(told.find(part), std::string::npos) << part << " in\n" << told;
  }
}

TEST(SimFiles, NoVantagePointIsBehindTwoPorts) {
  EXPECT_NE(faults_in("ports: [{device: net_ring0, vantage_points: 0}, {device: net_ring1}]\n")
                .find("shares vantage points with port 0"),
            std::string::npos);
}

TEST(SimFiles, NoArgumentOfEalIsEmpty) {
  EXPECT_EQ(faults_in("engine: {eal: ['']}"),
            "sim.yaml:1: engine.eal: an argument is empty; write a list of EAL arguments, such as "
            "[\"--log-level=lib.eal:debug\"]");
}

TEST(SimFiles, OverridesChangeWhatTheFileSays) {
  const auto config = parse_config<SimConfig>(
      "seed: 3\n", "sim.yaml", std::vector<std::string>{"seed=5", "topology.ases=2000"});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->world.seed, 5U);
  EXPECT_EQ(config->world.topology.ases, 2000U);
}

}  // namespace
}  // namespace backsight::config
