#include "config/vp/vp_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lines.h"

namespace backsight::config {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kEveryKey = R"(name: ams01
id: 65535
ports:
  - device: 0000:3b:00.0
    address: 192.0.2.10/24
    on_link: false
    gateway: 192.0.2.1
    gateway_mac: 02:00:00:00:00:01
    answers: no
    rx_descriptors: 512
    tx_descriptors: 256
  - {device: "net_af_packet0,iface=eth1", address: 198.51.100.4/31, answers: yes}
engine:
  workers: [2, 3]
  control: 5
  idle: adaptive
  hugepages: off
  inflight: 4096
  waiting: 64
  traces: 1
  eal: [--no-pci, "--vdev=net_null0,size=64"]
rates:
  total_pps: 1
  rr_pps: 2
  per_destination_pps: 3
  per_prefix24_pps: 4
  per_spoofed_source_pps: 0
spoofing:
  enrolled: lists/enrolled.yaml
deny: ../deny.txt
allow_bogons: true
identity:
  key_file: /etc/fleet.key
queue:
  url: file:///var/lib/backsight
metrics:
  listen: "[::1]:9465"
)";

VpConfig parsed(const std::string& text, const Lines& overrides = {}) {
  const auto config = parse_config<VpConfig>(text, "/etc/backsight/vp.yaml", overrides);
  EXPECT_TRUE(config) << as_error(config.error()).sentence;
  return config.value_or(VpConfig{});
}

TEST(VpLoader, ReadsTheShortestFileWithDefaults) {
  const VpConfig config = parsed(with({}));
  EXPECT_EQ(config.name, "ams01");
  EXPECT_EQ(config.id, 1);
  ASSERT_EQ(config.ports.size(), 1U);
  EXPECT_EQ(config.ports[0].device, "0000:3b:00.0");
  EXPECT_EQ(to_string(config.ports[0].address), "192.0.2.10");
  EXPECT_EQ(config.ports[0].prefix_length, 24);
  EXPECT_FALSE(config.ports[0].gateway);
  EXPECT_EQ(config.engine, EngineConfig{});
  EXPECT_EQ(config.rates, RatesConfig{});
  EXPECT_EQ(config.enrolled_file, "");
  EXPECT_EQ(config.deny_file, "");
  EXPECT_FALSE(config.allow_bogons);
  EXPECT_EQ(config.queue.url, "");
  EXPECT_EQ(config.metrics_listen, "127.0.0.1:9464");
  EXPECT_TRUE(config.metrics_listen_is_default);
}

TEST(VpLoader, ReadsEveryKeyOfAPort) {
  const VpConfig config = parsed(std::string(kEveryKey));
  ASSERT_EQ(config.ports.size(), 2U);
  const PortConfig& first = config.ports[0];
  EXPECT_FALSE(first.on_link);
  EXPECT_TRUE(config.ports[1].on_link);
  EXPECT_EQ(to_string(first.gateway.value()), "192.0.2.1");
  EXPECT_EQ(to_string(first.gateway_mac.value()), "02:00:00:00:00:01");
  EXPECT_EQ(first.answers, PortConfig::Answers::kNo);
  EXPECT_EQ(first.rx_descriptors, 512);
  EXPECT_EQ(first.tx_descriptors, 256);
  EXPECT_EQ(config.ports[1].device, "net_af_packet0,iface=eth1");
  EXPECT_EQ(config.ports[1].answers, PortConfig::Answers::kYes);
  EXPECT_EQ(to_string(config.ports[1].link()), "198.51.100.4/31");
}

TEST(VpLoader, ReadsEveryKeyOfTheEngineAndTheRates) {
  const VpConfig config = parsed(std::string(kEveryKey));
  EXPECT_THAT(config.engine.workers, ElementsAre(2, 3));
  EXPECT_EQ(config.engine.control, 5U);
  EXPECT_EQ(config.engine.idle, EngineConfig::Idle::kAdaptive);
  EXPECT_EQ(config.engine.hugepages, EngineConfig::Hugepages::kOff);
  EXPECT_EQ(config.engine.inflight, 4096U);
  EXPECT_EQ(config.engine.waiting, 64U);
  EXPECT_EQ(config.engine.traces, 1U);
  EXPECT_THAT(config.engine.arguments, ElementsAre("--no-pci", "--vdev=net_null0,size=64"));
  EXPECT_EQ(config.rates, (RatesConfig{1, 2, 3, 4, 0}));
}

TEST(VpLoader, ResolvesPathsFromTheFolderOfTheFile) {
  const VpConfig config = parsed(std::string(kEveryKey));
  EXPECT_EQ(config.enrolled_file, "/etc/backsight/lists/enrolled.yaml");
  EXPECT_EQ(config.deny_file, "/etc/deny.txt");
  EXPECT_EQ(config.key_file, "/etc/fleet.key");
}

TEST(VpLoader, ReadsTheOtherKeys) {
  const VpConfig config = parsed(std::string(kEveryKey));
  EXPECT_EQ(config.id, 65535);
  EXPECT_TRUE(config.allow_bogons);
  EXPECT_EQ(config.queue.url, "file:///var/lib/backsight");
  EXPECT_EQ(config.metrics_listen, "[::1]:9465");
  EXPECT_FALSE(config.metrics_listen_is_default);
}

TEST(VpLoader, SwitchesMetricsOff) {
  const VpConfig config = parsed(with({"metrics: {listen: off}"}));
  EXPECT_EQ(config.metrics_listen, "");
  EXPECT_FALSE(config.metrics_listen_is_default);
}

TEST(VpLoader, LetsControlShareTheCoreOfAWorker) {
  EXPECT_EQ(faults_of(with({"engine: {workers: [0], control: 0}"})), "none");
}

TEST(VpLoader, TakesBothAddressesOfAPointToPointLinkAndASingleAddress) {
  EXPECT_EQ(faults_of(with_line(5, "    address: 192.0.2.10/31")), "none");
  EXPECT_EQ(faults_of(with_line(5, "    address: 192.0.2.11/31")), "none");
  EXPECT_EQ(parsed(with_line(5, "    address: 192.0.2.11")).ports[0].prefix_length, 32);
}

TEST(VpLoader, TakesASectionWithoutKeys) { EXPECT_EQ(faults_of(with({"rates:"})), "none"); }

TEST(VpLoader, ReadsTheFileThatItIsGiven) {
  const TemporaryFolder folder;
  write_file(folder / "vp.yaml", with({"deny: deny.txt"}));
  const auto config = load_config<VpConfig>(folder / "vp.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->deny_file, folder / "deny.txt");
}

TEST(VpLoader, SaysWhichFileIsMissing) {
  const TemporaryFolder folder;
  const auto config = load_config<VpConfig>(folder / "vp.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(as_error(config.error()).sentence,
            (folder / "vp.yaml").string() + ": does not exist; create it or correct the path");
  EXPECT_EQ(as_error(config.error()).exit_code(), 2);
}

}  // namespace
}  // namespace backsight::config
