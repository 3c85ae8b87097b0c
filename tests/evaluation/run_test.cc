// Whole runs, small ones: the same run gives the same, and what goes in comes out.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "evaluation/evaluation.h"
#include "worlds.h"

namespace backsight::evaluation {
namespace {

using nlohmann::json;

EvaluationConfig small_run(bool is_baseline, std::uint64_t seed = 3) {
  EvaluationConfig config;
  config.world = testing::small_config();
  config.seed = seed;
  config.sources = 2;
  config.atlas_probes = 50;
  config.requests = 80;
  config.is_baseline = is_baseline;
  return config;
}

json run(const EvaluationConfig& config) {
  const auto result = evaluate(config, [](const std::string&) {});
  EXPECT_TRUE(result) << result.error().sentence;
  json said = json::parse(to_json(config, *result));
  EXPECT_GT(said.at("machine").at("wall_s").get<double>(), 0);
  return said;
}

json without_machine(json said) {
  said.erase("machine");
  return said;
}

class EvaluationOf : public ::testing::TestWithParam<bool> {};

TEST_P(EvaluationOf, TheSameRunGivesTheSameButForWhatTheMachineDid) {
  const json first = without_machine(run(small_run(GetParam())));
  EXPECT_EQ(first, without_machine(run(small_run(GetParam()))));
  EXPECT_NE(first, without_machine(run(small_run(GetParam(), 4))));
}

TEST_P(EvaluationOf, EachRequestEndsInOneWayAndInOneQuarter) {
  const json said = run(small_run(GetParam()));
  std::uint64_t failed = 0, in_parts = 0, latencies = 0;
  for (const auto& [reason, count] : said["failures"].items()) failed += count.get<std::uint64_t>();
  for (const auto& part : said["parts"]) in_parts += part["requests"].get<std::uint64_t>();
  for (const auto& step : said["latency_histogram"]) latencies += step[1].get<std::uint64_t>();
  EXPECT_EQ(said["requests"], 80);
  EXPECT_EQ(said["reached"].get<std::uint64_t>() + failed, 80U);
  EXPECT_EQ(in_parts, 80U);
  EXPECT_EQ(latencies, said["reached"].get<std::uint64_t>());
  EXPECT_EQ(said["as_of_all"]["paths"], said["reached"]);
  EXPECT_EQ(said["as_of_measured"]["paths"], said["measured"]);
  EXPECT_GE(said["packets"].get<std::uint64_t>(), said["tasks"].get<std::uint64_t>() / 2);
  EXPECT_GT(said["reached"].get<std::uint64_t>(), 20U);
}

TEST(Evaluation, AllAtOnceReachWhatFewAtATimeDo) {
  EvaluationConfig config = small_run(false);
  config.requests = 200;
  config.vp_pps = 10;
  config.at_once = 5;
  const auto few = run(config)["reached"].get<int>();
  config.at_once = config.requests;
  const auto all = run(config)["reached"].get<int>();
  EXPECT_GT(few, 50);
  EXPECT_NEAR(all, few, 6);
}

INSTANTIATE_TEST_SUITE_P(Planner, EvaluationOf, ::testing::Values(false, true),
                         [](const auto& it) { return it.param ? "Reduced" : "Backsight"; });

}  // namespace
}  // namespace backsight::evaluation
