// The shipped examples and the manual are in step with the code. To write them anew:
//   BACKSIGHT_WRITE=1 test_config --gtest_filter='*Files.*'
#include <gtest/gtest.h>

#include <sstream>

#include "config/controller/controller_config.h"
#include "config/keys/api_keys.h"
#include "in_step.h"

namespace backsight::config {
namespace {

// The controller of the manual.
constexpr std::string_view kDocumented = R"(
queue: {url: "file:///var/lib/backsight"}
annotation: {prefixes: pfx2as.txt}
deny: deny.txt
)";

TEST(ControllerFiles, TheExampleIsWhatIsPrinted) {
  const auto config = parse_config<ControllerConfig>(std::string(kDocumented), "controller.yaml");
  ASSERT_TRUE(config) << as_error(config.error()).sentence;
  expect_in_step(kExamples / "controller.yaml", print_config(*config));
}

TEST(ControllerFiles, TheExampleLoads) {
  const auto config = load_config<ControllerConfig>(kExamples / "controller.yaml");
  ASSERT_TRUE(config) << as_error(config.error()).sentence;
  EXPECT_EQ(config->queue.url, "file:///var/lib/backsight");
  EXPECT_EQ(config->deny_file, kExamples / "deny.txt");
}

TEST(ControllerFiles, TheExampleFitsItsColumns) {
  std::istringstream lines(file_text(kExamples / "controller.yaml"));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100U) << line;
  }
}

TEST(ControllerFiles, TheExampleOfKeysCanBeReadAndHoldsNoKeyThatWorks) {
  // Whoever forgets to replace them is refused.
  const auto keys = parse_api_keys(file_text(kExamples / "keys.yaml"), "keys.yaml");
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().sentence,
            "keys.yaml:3: keys.0.key: has 9 characters; write 16 to 128 visible characters; "
            "\"openssl rand -hex 24\" makes a key\n"
            "keys.yaml:7: keys.1.key: has 9 characters; write 16 to 128 visible characters; "
            "\"openssl rand -hex 24\" makes a key");
  std::string text = file_text(kExamples / "keys.yaml");
  for (const char* digit : {"1", "2"}) {
    text.replace(text.find("CHANGE-ME"), 9, std::string(24, *digit));
  }
  EXPECT_EQ(parse_api_keys(text, "keys.yaml")->find(std::string(24, '1'))->name, "alice");
}

TEST(ControllerFiles, TheManualHoldsTheTableOfTheKeys) {
  expect_table_in_step(kRoot / "docs/controller-configuration.md", "keys of controller.yaml",
                       print_manual<ControllerConfig>());
}

}  // namespace
}  // namespace backsight::config
