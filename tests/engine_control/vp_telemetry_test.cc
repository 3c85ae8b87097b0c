// The commands of DPDK's telemetry, asked for as dpdk-telemetry.py does: a line each over a socket
// of the runtime folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "process.h"
#include "queue/file/put_tasks.h"

namespace backsight::engine {
namespace {

using nlohmann::json;
using ::testing::Contains;

class TelemetryClient {
 public:
  explicit TelemetryClient(const std::filesystem::path& path) {
    const std::string text = path.string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    text.copy(address.sun_path, sizeof address.sun_path - 1);
    is_open_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (is_open_) static_cast<void>(receive());  // whom we speak with
  }
  TelemetryClient(const TelemetryClient&) = delete;
  TelemetryClient& operator=(const TelemetryClient&) = delete;
  ~TelemetryClient() { close(socket_); }
  [[nodiscard]] bool is_open() const noexcept { return is_open_; }

  // The answer to a command without its parameters: what stands under "/backsight/worker".
  json ask(const std::string& command) const {
    if (send(socket_, command.data(), command.size(), MSG_NOSIGNAL) < 0) return {};
    const json answer = json::parse(receive(), nullptr, false);
    const std::string key = command.substr(0, command.find(','));
    return answer.is_object() && answer.contains(key) ? answer[key] : json();
  }

 private:
  std::string receive() const {
    const timeval patience{10, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::vector<char> bytes(65536);
    const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
    return {bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
  }
  const int socket_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  bool is_open_ = false;
};

class VpTelemetry : public ::testing::Test {
 protected:
  VpTelemetry() { setenv("RUNTIME_DIRECTORY", fixture_.folder.path().c_str(), 1); }
  ~VpTelemetry() override { unsetenv("RUNTIME_DIRECTORY"); }
  [[nodiscard]] std::filesystem::path socket() const {
    return fixture_.folder.path() / "dpdk" / "backsight-tst01" / "dpdk_telemetry.v2";
  }
  const VpFixture fixture_;
};

TEST_F(VpTelemetry, AnswersWhatTheMetricsPageAnswers) {
  VpProcess vp(fixture_.folder,
               {"--config", fixture_.write_config(), "--set", "engine.telemetry=true"});
  ASSERT_TRUE(fixture_.becomes_ready()) << vp.said();
  std::vector<tasks::Task> tasks(7);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].id = i + 1;
    tasks[i].kind = probes::Kind::kPing;
    tasks[i].dst = {0xc6336480U + static_cast<std::uint32_t>(i)};
    tasks[i].timeout_ms = 50;
  }
  ASSERT_TRUE(queue::put_tasks(fixture_.queue_url(), "tst01", tasks));
  ASSERT_TRUE(eventually([&] { return fixture_.metrics().sum("results_put_total") == 7; }));

  const TelemetryClient client(socket());
  ASSERT_TRUE(client.is_open()) << socket();
  EXPECT_THAT(client.ask("/"), Contains("/backsight/counters"));
  EXPECT_THAT(client.ask("/"), Contains("/ethdev/stats"));
  EXPECT_EQ(client.ask("/backsight/status")["vp"], "tst01");
  EXPECT_EQ(client.ask("/backsight/status")["state"], "ready");
  EXPECT_EQ(client.ask("/backsight/status")["tasks/done"], 7);
  EXPECT_EQ(client.ask("/backsight/workers"), json::array({0}));
  const json worker = client.ask("/backsight/worker,0");
  EXPECT_EQ(worker["results/timed_out"], 7);
  EXPECT_EQ(worker["sent/ping"], 7);
  EXPECT_GT(worker["rounds"], 0);
  EXPECT_EQ(client.ask("/backsight/inflight")["0"]["capacity"], 4096);
  const json counters = client.ask("/backsight/counters");
  EXPECT_EQ(counters["tasks_received_total"], 7);
  EXPECT_EQ(counters["results_total/timed_out"], 7);
  EXPECT_EQ(counters["packets_received_total"], 0);
  EXPECT_EQ(counters["port_packets_transmitted_total/net_null0"],
            fixture_.metrics().sum("port_packets_transmitted_total"));
  vp.send(SIGTERM);
  EXPECT_EQ(vp.wait(), 0) << vp.said();
}

TEST_F(VpTelemetry, RefusesAWorkerThatIsNotThere) {
  VpProcess vp(fixture_.folder,
               {"--config", fixture_.write_config(), "--set", "engine.telemetry=true"});
  ASSERT_TRUE(fixture_.becomes_ready()) << vp.said();
  const TelemetryClient client(socket());
  ASSERT_TRUE(client.is_open());
  for (const char* which : {"", ",", ",1", ",-1", ",x", ",0x", ",99999999999999999999"}) {
    EXPECT_TRUE(client.ask(std::string("/backsight/worker") + which).is_null()) << which;
  }
  EXPECT_EQ(client.ask("/backsight/workers"), json::array({0}));
}

TEST_F(VpTelemetry, IsNotThereUnlessItIsAskedFor) {
  VpProcess vp(fixture_.folder, {"--config", fixture_.write_config()});
  ASSERT_TRUE(fixture_.becomes_ready()) << vp.said();
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

}  // namespace
}  // namespace backsight::engine
