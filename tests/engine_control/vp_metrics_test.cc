// The laws of docs/metrics.md, read from a running vantage point.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <regex>

#include "engine/control/metric_rows.h"
#include "process.h"
#include "queue/file/put_tasks.h"

namespace backsight::engine {
namespace {

// The laws that hold at any moment at which nothing is under way.
void expect_laws(const Page& page) {
  EXPECT_EQ(page.sum("tasks_received_total"),
            page.sum("tasks_refused_total") + page.sum("tasks_assigned_total"));
  EXPECT_EQ(page.sum("tasks_assigned_total"), page.sum("results_total"));
  EXPECT_EQ(page.sum("results_put_total"),
            page.sum("tasks_refused_total") + page.sum("results_total"));
  EXPECT_EQ(page.sum("packets_received_total"),
            page.sum("packets_rejected_total") + page.sum("replies_total"));
  EXPECT_EQ(page.sum("packets_received_total"), page.sum("port_packets_received_total"));
  EXPECT_EQ(page.sum("port_packets_transmitted_total"), page.sum("probes_sent_total") +
                                                            page.sum("arp_sent_total") +
                                                            page.sum("echo_replies_sent_total"));
  EXPECT_EQ(page.sum("inflight_entries"), 0);
  EXPECT_EQ(page.sum("waiting_tasks"), 0);
  EXPECT_EQ(page.sum("traces_under_way"), 0);
}

std::vector<tasks::Task> tasks_to(std::uint32_t first, std::size_t count, probes::Kind kind) {
  std::vector<tasks::Task> tasks(count);
  for (std::size_t i = 0; i < count; ++i) {
    tasks[i].id = i + 1 + 1000 * static_cast<std::uint64_t>(kind);
    tasks[i].kind = kind;
    tasks[i].dst = {first + static_cast<std::uint32_t>(i)};
    tasks[i].timeout_ms = 50;
    tasks[i].max_ttl = 3;
    tasks[i].attempts = 1;
  }
  return tasks;
}

constexpr std::uint32_t kDestinations = 0xc6336400;  // 198.51.100.0, of which a /28 is denied

TEST(VpMetrics, KeepTheLawsOfTasksAndProbes) {
  const VpFixture fixture;
  VpProcess vp(fixture.folder,
               {"--config", fixture.write_config("rates: {per_prefix24_pps: 0}\n")});
  ASSERT_TRUE(fixture.becomes_ready()) << vp.said();
  using probes::Kind;
  for (const auto kind : {Kind::kPing, Kind::kRecordRoute, Kind::kTimestamp, Kind::kTrace}) {
    const auto put =
        queue::put_tasks(fixture.queue_url(), "tst01", tasks_to(kDestinations, 40, kind));
    ASSERT_TRUE(put) << put.error().sentence;
  }
  ASSERT_TRUE(eventually([&] { return fixture.metrics().sum("results_put_total") == 160; }))
      << fixture.metrics().text() << vp.said();
  // The gauges are set anew now and then.
  ASSERT_TRUE(eventually([&] { return fixture.metrics().sum("inflight_entries") == 0; }));
  const Page page = fixture.metrics();
  expect_laws(page);
  EXPECT_EQ(page.sum("tasks_received_total"), 160);
  EXPECT_EQ(page.value("tasks_refused_total", "reason", "denied"), 64);
  EXPECT_EQ(page.value("results_total", "outcome", "timed_out"), 72);
  EXPECT_EQ(page.value("results_total", "outcome", "max_ttl") +
                page.value("results_total", "outcome", "gap_limit"),
            24);
  for (const char* kind : {"ping", "rr", "ts"}) {
    EXPECT_EQ(page.value("probes_sent_total", "kind", kind), 24) << kind;
  }
  EXPECT_EQ(page.value("probes_sent_total", "kind", "trace"), 72);
  EXPECT_EQ(page.value("inflight_capacity", "worker", "0"), 4096);
  EXPECT_GT(page.sum("worker_busy_seconds_total"), 0);
  EXPECT_GT(page.sum("worker_idle_seconds_total"), 0);
  EXPECT_GE(page.sum("worker_busy_ratio"), 0);
  EXPECT_LE(page.sum("worker_busy_ratio"), 1);
  EXPECT_EQ(page.sum("rate_limit_pps"), 10'000);
  EXPECT_TRUE(eventually([&] { return fixture.metrics().sum("spool_bytes") > 0; }));
  vp.send(SIGTERM);
  EXPECT_EQ(vp.wait(), 0) << vp.said();
}

// Every metric is on the page with exactly its labels, whose values name nobody's address.
TEST(VpMetrics, HaveTheLabelsOfTheTableAndNoAddress) {
  const VpFixture fixture;
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  ASSERT_TRUE(fixture.becomes_ready()) << vp.said();
  const Page page = fixture.metrics();
  const std::regex label("([a-z_]+)=\"([^\"]*)\"");
  const std::regex address("[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+|([0-9a-f]{2}:){5}[0-9a-f]{2}");
  for (const MetricRow& row : metric_rows()) {
    std::size_t samples = 0;
    for (const auto& [sample, figure] : page.samples()) {
      if (sample.substr(0, sample.find('{')) != row.name) continue;
      ++samples;
      std::vector<std::string> names;
      for (std::sregex_iterator at(sample.begin(), sample.end(), label), end; at != end; ++at) {
        names.push_back((*at)[1]);
        const std::string value = (*at)[2];
        in6_addr ignored;
        EXPECT_FALSE(std::regex_search(value, address)) << sample;
        EXPECT_EQ(inet_pton(AF_INET6, value.c_str(), &ignored), 0) << sample;
      }
      EXPECT_TRUE(std::ranges::equal(names, row.labels)) << sample;
    }
    EXPECT_GT(samples, 0U) << row.name;
  }
}

std::string little_endian(std::uint32_t number) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

// A capture file of `frames` (pcap, microseconds, Ethernet).
std::string capture(const std::vector<std::string>& frames) {
  std::string file = little_endian(0xa1b2c3d4) + little_endian(4 << 16 | 2) + little_endian(0) +
                     little_endian(0) + little_endian(65535) + little_endian(1);
  for (const std::string& frame : frames) {
    const auto bytes = static_cast<std::uint32_t>(frame.size());
    file += little_endian(0) + little_endian(0) + little_endian(bytes) + little_endian(bytes);
    file += frame;
  }
  return file;
}

std::string frame(const std::string& type, std::string packet) {
  packet.resize(46);
  return std::string(6, '\xff') + std::string("\x02\x00\x00\x00\x00\x01", 6) + type + packet;
}

TEST(VpMetrics, KeepTheLawOfPacketsReceived) {
  VpFixture fixture;
  std::vector<std::string> frames;
  for (int i = 0; i < 50; ++i) {
    frames.push_back(frame("\x88\xcc", "neither IPv4 nor ARP"));
    frames.push_back(frame(std::string("\x08\x00", 2), "six, not four"));
    frames.push_back(frame("\x08\x06", "ARP, broken"));
  }
  const std::string in = fixture.folder.write("in.pcap", capture(frames));
  fixture.device =
      "net_pcap0,rx_pcap=" + in + ",tx_pcap=" + fixture.folder.path().string() + "/out.pcap";
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  ASSERT_TRUE(eventually([&] { return fixture.metrics().sum("packets_received_total") == 150; }))
      << fixture.metrics().text() << vp.said();
  const Page page = fixture.metrics();
  expect_laws(page);
  EXPECT_EQ(page.value("packets_rejected_total", "reason", "not_ipv4"), 50);
  EXPECT_EQ(page.value("packets_rejected_total", "reason", "arp"), 50);
  EXPECT_EQ(page.value("port_packets_received_total", "port", "net_pcap0"), 150);
}

TEST(VpMetrics, PleasePromtool) {
  if (std::system("promtool --version > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no promtool here (Debian's package prometheus has it)";
  }
  const VpFixture fixture;
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  ASSERT_TRUE(fixture.becomes_ready()) << vp.said();
  const std::string page = fixture.folder.write("page.txt", fixture.metrics().text());
  const std::string said = (fixture.folder.path() / "promtool.txt").string();
  EXPECT_EQ(std::system(("promtool check metrics < " + page + " > " + said + " 2>&1").c_str()), 0)
      << file_text(said);
  EXPECT_EQ(file_text(said), "");
}

}  // namespace
}  // namespace backsight::engine
