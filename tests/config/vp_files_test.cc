// The shipped examples and the manual are in step with the code. To write them anew:
//   BACKSIGHT_WRITE=1 test_config --gtest_filter='*Files.*'
#include <gtest/gtest.h>

#include <sstream>

#include "config/lists/deny_list.h"
#include "config/lists/enrolment.h"
#include "in_step.h"

namespace backsight::config {
namespace {

// The vantage point of the manual.
constexpr std::string_view kDocumented = R"(
name: ams01
id: 1
ports: [{device: "0000:3b:00.0", address: 192.0.2.10/24, gateway: 192.0.2.1}]
engine: {workers: [2, 3]}
spoofing: {enrolled: enrolled.yaml}
deny: deny.txt
identity: {key_file: fleet.key}
queue: {url: "file:///var/lib/backsight"}
metrics: {listen: "127.0.0.1:9464"}
)";

TEST(VpFiles, TheExampleIsWhatIsPrinted) {
  const auto config = parse_config<VpConfig>(std::string(kDocumented), "vp.yaml");
  ASSERT_TRUE(config) << as_error(config.error()).sentence;
  expect_in_step(kExamples / "vp.yaml", print_config(*config));
}

TEST(VpFiles, TheExampleLoads) {
  const auto config = load_config<VpConfig>(kExamples / "vp.yaml");
  ASSERT_TRUE(config) << as_error(config.error()).sentence;
  EXPECT_EQ(config->name, "ams01");
  EXPECT_EQ(config->enrolled_file, kExamples / "enrolled.yaml");
}

TEST(VpFiles, TheExampleFitsItsColumns) {
  std::istringstream lines(file_text(kExamples / "vp.yaml"));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100U) << line;
  }
}

TEST(VpFiles, TheExampleListsLoad) {
  const auto deny = load_deny_list(kExamples / "deny.txt");
  ASSERT_TRUE(deny) << as_error(deny.error()).sentence;
  EXPECT_FALSE(deny->is_empty());
  const auto enrolment = load_enrolment(kExamples / "enrolled.yaml");
  ASSERT_TRUE(enrolment) << as_error(enrolment.error()).sentence;
  EXPECT_FALSE(enrolment->is_empty());
}

TEST(VpFiles, TheManualHoldsTheTableOfTheKeys) {
  expect_table_in_step(kRoot / "docs/configuration.md", "keys of vp.yaml",
                       print_manual<VpConfig>());
}

}  // namespace
}  // namespace backsight::config
