// The table of metrics keeps Prometheus' conventions, and docs/metrics.md is in step with it. To
// write the page anew:
//   BACKSIGHT_WRITE=1 test_engine_control --gtest_filter='MetricsPage.*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>

#include "engine/control/metric_rows.h"
#include "process.h"

namespace backsight::engine {
namespace {

const std::filesystem::path kPage =
    std::filesystem::path(BACKSIGHT_TEST_DATA).parent_path().parent_path() / "docs/metrics.md";
constexpr std::string_view kBegin = "<!-- metrics -->\n";
constexpr std::string_view kEnd = "<!-- end -->";

TEST(MetricRows, NamesFollowTheConvention) {
  const std::regex name("backsight_(build_info|vp_[a-z][a-z0-9]*(_[a-z0-9]+)*)");
  std::set<std::string_view> names;
  for (const MetricRow& row : metric_rows()) {
    EXPECT_TRUE(std::regex_match(std::string(row.name), name)) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
    EXPECT_EQ(row.name.ends_with("_total"), row.type == prometheus::MetricType::Counter)
        << row.name;
  }
}

TEST(MetricRows, NamesHaveBaseUnits) {
  const std::regex other("milli|micro|nano|kilo|percent|_(ms|us|ns|minutes|kb|mb)(_|$)");
  for (const MetricRow& row : metric_rows()) {
    EXPECT_FALSE(std::regex_search(std::string(row.name), other)) << row.name;
  }
}

TEST(MetricRows, LabelsAreFewAndNotPartOfTheName) {
  const std::set<std::string_view> known{"kind", "outcome", "reason",   "stage", "worker",
                                         "port", "version", "compiler", "dpdk",  "flaw"};
  for (const MetricRow& row : metric_rows()) {
    for (const std::string_view label : row.labels) {
      EXPECT_TRUE(known.contains(label)) << row.name << " has " << label;
    }
  }
}

TEST(MetricRows, HelpIsASentence) {
  for (const MetricRow& row : metric_rows()) {
    EXPECT_TRUE(row.help.ends_with('.')) << row.name;
    EXPECT_LE(row.help.size(), 100U) << row.name;
  }
}

TEST(MetricsPage, IsInStepWithTheTable) {
  std::string page = file_text(kPage);
  const std::size_t begin = page.find(kBegin) + kBegin.size();
  const std::size_t end = page.find(kEnd, begin);
  ASSERT_NE(end, std::string::npos);
  if (std::getenv("BACKSIGHT_WRITE") != nullptr) {
    page.replace(begin, end - begin, print_metrics_manual());
    std::ofstream(kPage, std::ios::binary) << page;
    return;
  }
  EXPECT_EQ(page.substr(begin, end - begin), print_metrics_manual());
}

// What the page says in its words and expressions are metrics that there are.
TEST(MetricsPage, NamesOnlyMetricsThatThereAre) {
  std::set<std::string> names;
  for (const MetricRow& row : metric_rows()) names.emplace(row.name);
  const std::string page = file_text(kPage);
  const std::regex counter("[a-z_]+_total");
  for (std::sregex_iterator at(page.begin(), page.end(), counter), end; at != end; ++at) {
    const std::string name = at->str();
    EXPECT_TRUE(names.contains(name) || names.contains("backsight_vp_" + name)) << name;
  }
}

}  // namespace
}  // namespace backsight::engine
