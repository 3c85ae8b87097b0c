// What the program tells on standard error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "process.h"

namespace backsight::engine {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// Every line of the program, from its first fault on.
TEST(VpLog, IsJsonWhenTheConfigSaysSo) {
  VpFixture fixture;
  fixture.next_hop = "gateway: 192.0.2.1";
  VpProcess vp(fixture.folder, {"--config", fixture.write_config("log: {format: json}\n")});
  ASSERT_TRUE(
      eventually([&] { return vp.said().find("does not answer ARP") != std::string::npos; }));
  vp.send(SIGTERM);
  EXPECT_EQ(vp.wait(), 0);
  std::istringstream said(vp.said());
  std::size_t count = 0;
  for (std::string line; std::getline(said, line); ++count) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(object.is_object()) << line;
    EXPECT_EQ(object["vp"], "tst01");
    EXPECT_THAT(std::string(object["time"]), EndsWith("Z"));
    EXPECT_TRUE(object["message"].is_string());
  }
  EXPECT_GE(count, 2U);
}

TEST(VpLog, TellsAFaultAsJsonToo) {
  const VpFixture fixture;
  const std::string config = fixture.write_config("log: {format: json}\n");
  VpProcess vp(fixture.folder, {"--config", config, "--set", "engine.control=1023"});
  EXPECT_EQ(vp.wait(), 2);
  const auto object = nlohmann::json::parse(vp.said(), nullptr, false);
  ASSERT_TRUE(object.is_object()) << vp.said();
  EXPECT_EQ(object["level"], "error");
  EXPECT_THAT(std::string(object["message"]), HasSubstr("core 1023 is not ours"));
}

}  // namespace
}  // namespace backsight::engine
