// The table of metrics keeps Prometheus' conventions, and docs/controller-metrics.md is in step
// with it. To write the page anew:
//   BACKSIGHT_WRITE=1 test_controller_api --gtest_filter='ControllerMetrics.*'
#include "controller/metrics/controller_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/loopback.h"

namespace backsight::controller {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kPage =
    std::filesystem::path(BACKSIGHT_TEST_DATA).parent_path().parent_path() /
    "docs/controller-metrics.md";
constexpr std::string_view kBegin = "<!-- metrics -->\n";

std::string page_of(const ControllerFigures& figures) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, daemon::collect(controller_metrics(), figures));
  return text.str();
}

TEST(ControllerMetrics, NamesFollowTheConvention) {
  const std::regex name("backsight_(build_info|controller_[a-z][a-z0-9]*(_[a-z0-9]+)*)");
  const std::regex other("milli|micro|nano|kilo|percent|_(ms|us|ns|minutes|kb|mb)(_|$)");
  std::set<std::string_view> names;
  for (const ControllerMetric& row : controller_metrics()) {
    EXPECT_TRUE(std::regex_match(std::string(row.name), name)) << row.name;
    EXPECT_FALSE(std::regex_search(std::string(row.name), other)) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
    EXPECT_EQ(row.name.ends_with("_total"), row.type == prometheus::MetricType::Counter)
        << row.name;
    EXPECT_TRUE(row.help.ends_with('.')) << row.name;
    EXPECT_LE(row.help.size(), 100U) << row.name;
    // Nothing that has no end: addresses, users, labels, batches.
    const std::set<std::string_view> known{"version", "compiler", "reason", "technique", "outcome",
                                           "state",   "source",   "table",  "code"};
    for (const std::string_view label : row.labels) {
      EXPECT_TRUE(known.contains(label)) << row.name << " has " << label;
    }
  }
}

TEST(ControllerMetrics, EveryEndIsCountedOnce) {
  ControllerFigures figures;
  figures.work.brain.reached = 5;
  for (std::size_t i = 1; i < figures.work.brain.failed.size(); ++i) {
    figures.work.brain.failed[i] = 1;
  }
  const auto families = daemon::collect(controller_metrics(), figures);
  for (const auto& family : families) {
    if (family.name != "backsight_controller_measurements_ended_total") continue;
    double sum = 0;
    for (const auto& metric : family.metric) sum += metric.counter.value;
    EXPECT_EQ(sum, 5 + static_cast<double>(FailReason::kCount) - 1);
  }
}

TEST(ControllerMetrics, ShowRunTimesAsAHistogram) {
  ControllerFigures figures;
  figures.book.runtimes[0] = 3;
  figures.book.runtimes[10] = 2;
  figures.book.runtime_us = 150'300'000;
  const std::string page = page_of(figures);
  EXPECT_THAT(page, HasSubstr("backsight_controller_runtime_seconds_bucket{le=\"0.1\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("backsight_controller_runtime_seconds_bucket{le=\"60\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("backsight_controller_runtime_seconds_bucket{le=\"+Inf\"} 5\n"));
  EXPECT_THAT(page, HasSubstr("backsight_controller_runtime_seconds_sum 150.3\n"));
  EXPECT_THAT(page, HasSubstr("backsight_controller_runtime_seconds_count 5\n"));
}

TEST(ControllerMetrics, CountVantagePointsByState) {
  ControllerFigures figures;
  for (const char* state : {"ready", "ready", "silent"}) {
    figures.vantage_points.push_back({.name = "x", .address = {}, .state = state, .why = {}});
  }
  const std::string page = page_of(figures);
  EXPECT_THAT(page, HasSubstr("backsight_controller_vantage_points{state=\"ready\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("backsight_controller_vantage_points{state=\"quarantined\"} 0\n"));
}

TEST(ControllerMetrics, ThePageIsInStepWithTheTable) {
  std::string page = file_text(kPage);
  const std::size_t begin = page.find(kBegin);
  ASSERT_NE(begin, page.npos);
  const std::size_t first = begin + kBegin.size();
  const std::size_t last = page.find("<!-- end -->", first);
  ASSERT_NE(last, page.npos);
  const std::string table = daemon::print_manual(controller_metrics());
  if (std::getenv("BACKSIGHT_WRITE") != nullptr) {
    page.replace(first, last - first, table);
    std::ofstream(kPage, std::ios::binary) << page;
    return;
  }
  EXPECT_EQ(page.substr(first, last - first), table);
}

}  // namespace
}  // namespace backsight::controller
