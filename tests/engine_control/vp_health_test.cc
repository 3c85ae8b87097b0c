// A vantage point as those see it who watch it: ready or not, and why; and how it starts and ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "process.h"
#include "queue/file/layout.h"

namespace backsight::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

nlohmann::json status_of(const VpFixture& fixture) {
  const auto text =
      queue::read_status(storage::posix_file_system(), fixture.queue_url(), "tst01").value_or("");
  auto status = nlohmann::json::parse(text, nullptr, false);
  return status.is_discarded() ? nlohmann::json::object() : status;
}

TEST(VpHealth, IsReadyAndWellAndEndsAtOnce) {
  const VpFixture fixture;
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  ASSERT_TRUE(fixture.becomes_ready()) << vp.said();
  EXPECT_EQ(http(fixture.port, "/readyz").body, "ready\n");
  EXPECT_EQ(http(fixture.port, "/healthz").status, 200);
  EXPECT_EQ(http(fixture.port, "/healthz").body, "ok\n");
  const HttpAnswer other = http(fixture.port, "/else");
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(other.body, "There is /metrics, /healthz and /readyz.\n");
  vp.send(SIGTERM);
  EXPECT_EQ(vp.wait(std::chrono::seconds(5)), 0) << vp.said();
}

TEST(VpHealth, TheSecondOfANameOrAnIdEndsAtOnceAndSaysWhoIsThere) {
  const VpFixture fixture;
  const std::string config = fixture.write_config();
  const VpProcess first(fixture.folder, {"--config", config});
  ASSERT_TRUE(fixture.becomes_ready()) << first.said();
  VpProcess same_name(fixture.folder, {"--config", config, "--set", "id=2"});
  EXPECT_EQ(same_name.wait(), 1);
  EXPECT_THAT(same_name.said(), HasSubstr("process " + std::to_string(first.pid()) +
                                          " is vantage point tst01; there can be one of a name"));
  VpProcess same_id(fixture.folder, {"--config", config, "--set", "name=tst02"});
  EXPECT_EQ(same_id.wait(), 1);
  EXPECT_THAT(same_id.said(),
              HasSubstr("process " + std::to_string(first.pid()) + " has the id 1"));
}

TEST(VpHealth, IsNotReadyWithoutItsGatewayAndKeepsAsking) {
  VpFixture fixture;
  fixture.next_hop = "gateway: 192.0.2.1";
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  ASSERT_TRUE(eventually([&] { return http(fixture.port, "/readyz").status == 503; })) << vp.said();
  EXPECT_EQ(http(fixture.port, "/readyz").body,
            "port net_null0,no-rx=1: gateway 192.0.2.1 does not answer ARP\n");
  EXPECT_EQ(http(fixture.port, "/healthz").status, 200);
  const double asked = fixture.metrics().sum("arp_sent_total");
  EXPECT_TRUE(eventually([&] { return fixture.metrics().sum("arp_sent_total") > asked; }));
  EXPECT_EQ(fixture.metrics().sum("ready"), 0);
  EXPECT_EQ(fixture.metrics().value("port_gateway_known", "port", "net_null0"), 0);
  EXPECT_TRUE(eventually([&] {
    return vp.said().find("gateway 192.0.2.1 does not answer ARP") != std::string::npos;
  }));
  const auto status = status_of(fixture);
  EXPECT_EQ(status["state"], "not_ready");
  EXPECT_EQ(status["ports"][0]["gateway"], "192.0.2.1");
  EXPECT_TRUE(status["ports"][0]["gateway_mac"].is_null());
}

TEST(VpHealth, IsNotReadyWhileTheKillSwitchIsOn) {
  const VpFixture fixture;
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  ASSERT_TRUE(fixture.becomes_ready()) << vp.said();
  vp.send(SIGUSR1);
  ASSERT_TRUE(eventually([&] { return http(fixture.port, "/readyz").status == 503; }));
  EXPECT_THAT(http(fixture.port, "/readyz").body, HasSubstr("kill switch"));
  EXPECT_EQ(fixture.metrics().sum("silenced"), 1);
  vp.send(SIGUSR2);
  EXPECT_TRUE(fixture.becomes_ready());
  EXPECT_EQ(fixture.metrics().sum("silenced"), 0);
}

TEST(VpHealth, TellsItsStatusThroughTheQueue) {
  const VpFixture fixture;
  VpProcess vp(fixture.folder, {"--config", fixture.write_config("rates: {total_pps: 123}\n")});
  ASSERT_TRUE(eventually([&] { return status_of(fixture)["state"] == "ready"; })) << vp.said();
  const auto status = status_of(fixture);
  EXPECT_EQ(status["vp"], "tst01");
  EXPECT_EQ(status["id"], 1);
  EXPECT_EQ(status["why"].size(), 0U);
  EXPECT_EQ(status["ports"][0]["device"], "net_null0,no-rx=1");
  EXPECT_EQ(status["ports"][0]["address"], "192.0.2.10");
  EXPECT_EQ(status["ports"][0]["gateway_mac"], "02:00:00:00:00:01");
  EXPECT_EQ(status["rates"]["asked_pps"], 123);
  EXPECT_EQ(status["rates"]["sent_pps"], 0);
  EXPECT_EQ(status["in_flight_capacity"], 4096);
  EXPECT_EQ(status["spool_bytes"], 0);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t updated = status["updated_at_ns"];
  EXPECT_NEAR(static_cast<double>(updated) / 1e9, std::chrono::duration<double>(now).count(), 10);
  EXPECT_LE(status["started_at_ns"], status["updated_at_ns"]);
  EXPECT_TRUE(eventually([&] { return status_of(fixture)["updated_at_ns"] > updated; }));
  vp.send(SIGTERM);
  EXPECT_EQ(vp.wait(), 0) << vp.said();
  EXPECT_EQ(status_of(fixture)["state"], "stopping");
}

TEST(VpHealth, DoesNotServeAQueueUnwatched) {
  const VpFixture fixture;
  const int taken = occupy(fixture.port);
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  EXPECT_EQ(vp.wait(), 2);
  EXPECT_THAT(vp.said(), HasSubstr("Address already in use; choose another port, or \"off\""));
  close(taken);
}

class VpTasks : public ::testing::Test {
 protected:
  // To run two tasks, of which one is denied.
  std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{
        "--config",
        fixture_.write_config(),
        "--results",
        (fixture_.folder.path() / "results.jsonl").string(),
        "--tasks",
        fixture_.folder.write(
            "tasks.jsonl",
            "{\"id\":1,\"kind\":\"ping\",\"dst\":\"198.51.100.77\",\"timeout_ms\":50}\n"
            "{\"id\":2,\"kind\":\"ping\",\"dst\":\"198.51.100.7\"}\n")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  const VpFixture fixture_;
};

TEST_F(VpTasks, AreSummedUpAtTheEnd) {
  VpProcess vp(fixture_.folder, arguments());
  EXPECT_EQ(vp.wait(), 0);
  EXPECT_EQ(vp.said(), "backsight-vp: 2 tasks: 1 timed_out, 1 refused; 1 probe sent\n");
}

TEST_F(VpTasks, RunUnwatchedIfTheyMustAndSayIt) {
  const int taken = occupy(fixture_.port);
  VpProcess vp(fixture_.folder, arguments());
  EXPECT_EQ(vp.wait(), 0);
  EXPECT_THAT(vp.said(), HasSubstr("warning: metrics.listen: 127.0.0.1:"));
  close(taken);
}

TEST_F(VpTasks, AreNotWatchedAtTheDefaultAddress) {
  const int taken = occupy(9464);  // or somebody else has it
  VpProcess vp(fixture_.folder, arguments({"--set", "metrics.listen="}));
  EXPECT_EQ(vp.wait(), 0);
  EXPECT_THAT(vp.said(), Not(HasSubstr("metrics.listen")));
  close(taken);
}

TEST_F(VpTasks, CanBeWatchedAtAnAddressThatIsNamed) {
  VpProcess vp(fixture_.folder, arguments({"--linger-ms", "60000"}));
  ASSERT_TRUE(eventually([&] { return fixture_.metrics().sum("results_put_total") == 2; }))
      << vp.said();
  vp.send(SIGTERM);
  EXPECT_EQ(vp.wait(), 0) << vp.said();
}

}  // namespace
}  // namespace backsight::engine
