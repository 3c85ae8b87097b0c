// A worker and its link: ARP asked and answered, pings answered.
#include <gtest/gtest.h>

#include "bench.h"

namespace backsight::engine {
namespace {

using queue::Outcome;
using queue::Reason;

const MacAddr kHostMac{{0x02, 0, 0, 0, 0, 0x77}};

TEST(WorkerNeighbours, AsksForTheGatewayAndSendsThroughIt) {
  FakeInternet internet;
  Bench vp(internet, {.knows_gateway = false});
  vp.assign(ping(1, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kReplied);
  ASSERT_EQ(internet.arp.size(), 1U);
  const Packet asked = make_arp(1, probes::kBroadcastMac, vp.port->mac(), vp.setup.address, {},
                                FakeInternet::kGateway);
  EXPECT_TRUE(std::equal(internet.arp[0].begin(), internet.arp[0].end(), asked.begin()));
  EXPECT_TRUE(vp.port->neighbours().gateway_is_known());
  EXPECT_EQ(vp.rejected(probes::Reject::kArp), 1U);
  EXPECT_EQ(vp.counters().arp_sent.value(), 1U);
  vp.check_laws();
}

TEST(WorkerNeighbours, KeepsTasksWhileTheGatewayIsSilent) {
  FakeInternet internet;
  internet.answers_arp = false;
  Bench vp(internet, {.speed = 20, .knows_gateway = false});
  vp.assign(ping(1, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until([&] { return internet.arp.size() >= 5; })) << "asks for ever";
  EXPECT_TRUE(vp.results.empty());
  EXPECT_TRUE(internet.probes.empty());
  internet.answers_arp = true;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kReplied);
  vp.check_laws();
}

TEST(WorkerNeighbours, AsksForADestinationOnTheLinkItself) {
  FakeInternet internet;
  internet.hosts_on_link[ip("192.0.2.77")] = kHostMac;
  internet.path.there.clear();
  Bench vp(internet);
  vp.assign(ping(1, "192.0.2.77"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kReplied);
  EXPECT_EQ(internet.arp.size(), 1U);
  EXPECT_TRUE(std::equal(kHostMac.bytes.begin(), kHostMac.bytes.end(),
                         reinterpret_cast<const std::uint8_t*>(internet.probe_frames[0].data())));
  vp.check_laws();
}

TEST(WorkerNeighbours, FailsTasksToAnAbsentHostOnTheLink) {
  FakeInternet internet;
  Bench vp(internet, {.speed = 50});
  vp.assign(ping(1, "192.0.2.78"));
  vp.assign(trace(2, "192.0.2.78"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kSendFailed);
  EXPECT_EQ(vp.result_of(1).reason, Reason::kNeighbour);
  EXPECT_EQ(vp.trace_of(2).head.reason, Reason::kNeighbour);
  EXPECT_EQ(internet.arp.size(), 3U);
  vp.check_laws();
}

TEST(WorkerNeighbours, AnswersWhoAsksForItsAddress) {
  FakeInternet internet;
  Bench vp(internet);
  internet.send_frame(vp.site, make_arp(1, probes::kBroadcastMac, kHostMac, ip("192.0.2.77"), {},
                                        vp.setup.address));
  internet.send_frame(vp.site, make_arp(1, probes::kBroadcastMac, kHostMac, ip("192.0.2.77"), {},
                                        ip("192.0.2.99")));
  for (int i = 0; i < 5; ++i) vp.round();
  ASSERT_EQ(internet.arp.size(), 1U) << "only for its own";
  const Packet answer =
      make_arp(2, kHostMac, vp.port->mac(), vp.setup.address, kHostMac, ip("192.0.2.77"));
  EXPECT_TRUE(std::equal(internet.arp[0].begin(), internet.arp[0].end(), answer.begin()));
  EXPECT_EQ(vp.rejected(probes::Reject::kArp), 2U);
  vp.check_laws();
}

Packet make_echo_request(Ipv4Addr from, Ipv4Addr to) {
  Packet request = testing::from_hex(
      "45000024 12340000 40010000 00000000 00000000"  // IPv4, 36 bytes, TTL 64, ICMP
      "08000000 00070001 6261636b73696768");          // echo request, id 7, sequence 1
  for (std::size_t i = 0; i < 4; ++i) {
    request[12 + i] = static_cast<std::byte>(from.value >> 8 * (3 - i) & 0xff);
    request[16 + i] = static_cast<std::byte>(to.value >> 8 * (3 - i) & 0xff);
  }
  testing::fix_checksums(request);
  return request;
}

TEST(WorkerNeighbours, AnswersPings) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
  const Packet request = make_echo_request(ip("203.0.113.5"), vp.setup.address);
  internet.send(request);
  for (int i = 0; i < 5; ++i) vp.round();
  ASSERT_EQ(internet.probes.size(), 1U);
  Packet expected = testing::make_echo_reply(request, {}, 64);
  expected.resize(internet.probes[0].size());
  EXPECT_EQ(testing::to_hex(internet.probes[0]), testing::to_hex(expected));
  EXPECT_EQ(vp.counters().echo_replies_sent.value(), 1U);
  EXPECT_EQ(vp.rejected(probes::Reject::kEchoRequest), 1U);
  vp.check_laws();
}

TEST(WorkerNeighbours, AnswersAThousandPingsASecondAtTheMost) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
  for (int i = 0; i < 200; ++i) {
    internet.send(make_echo_request(ip("203.0.113.5"), vp.setup.address));
  }
  for (int i = 0; i < 10; ++i) vp.round();
  EXPECT_EQ(vp.rejected(probes::Reject::kEchoRequest), 200U);
  EXPECT_LT(vp.counters().echo_replies_sent.value(), 20U);
  vp.check_laws();
}

TEST(WorkerNeighbours, LeavesArpAndPingsToTheKernelWhereItAnswers) {
  FakeInternet internet;
  Bench vp(internet, {.answers = config::PortConfig::Answers::kNo});
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
  internet.send_frame(vp.site, make_arp(1, probes::kBroadcastMac, kHostMac, ip("192.0.2.77"), {},
                                        vp.setup.address));
  internet.send(make_echo_request(ip("203.0.113.5"), vp.setup.address));
  for (int i = 0; i < 5; ++i) vp.round();
  EXPECT_TRUE(internet.arp.empty());
  EXPECT_TRUE(internet.probes.empty());
  vp.check_laws();
}

// A ping that was broadcast would be answered from the broadcast address (RFC 1122, 3.2.2.6).
TEST(WorkerNeighbours, DoesNotAnswerAPingInABroadcastFrame) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
  internet.send_frame(vp.site,
                      testing::in_ethernet(make_echo_request(ip("203.0.113.5"), vp.setup.address),
                                           probes::kBroadcastMac, kHostMac));
  for (int i = 0; i < 5; ++i) vp.round();
  EXPECT_TRUE(internet.probe_frames.empty());
  vp.check_laws();
}

}  // namespace
}  // namespace backsight::engine
