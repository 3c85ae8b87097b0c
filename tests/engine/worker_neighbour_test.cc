// A worker and its link: ARP asked and answered, pings answered.
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "bench.h"

namespace backsight::engine {
namespace {

using tasks::Outcome;
using tasks::Reason;

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
  Bench vp(internet, {.step_us = 1000, .knows_gateway = false});
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
  Bench vp(internet, {.step_us = 1000});
  vp.assign(ping(1, "192.0.2.78"));
  vp.assign(trace(2, "192.0.2.78"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kSendFailed);
  EXPECT_EQ(vp.result_of(1).reason, Reason::kNeighbour);
  EXPECT_EQ(vp.trace_of(2).head.reason, Reason::kNeighbour);
  EXPECT_EQ(internet.arp.size(), 3U);
  vp.check_laws();
}

// RFC 1812, section 3.3.2, and whatever else no host may say of itself.
TEST(WorkerNeighbours, SendsNothingToAnAddressThatNoStationHas) {
  const std::array<MacAddr, 4> impossible = {probes::kBroadcastMac, MacAddr{},
                                             MacAddr{{0x01, 0, 0x5e, 0, 0, 1}},
                                             MacAddr{{0x33, 0x33, 0, 0, 0, 1}}};
  for (const bool is_known : {false, true}) {
    FakeInternet internet;
    internet.answers_arp = is_known;
    Bench vp(internet, {.knows_gateway = false});
    if (is_known) {
      ASSERT_TRUE(vp.run_until([&] { return vp.port->neighbours().gateway_is_known(); }));
    }
    for (const MacAddr mac : impossible) {
      for (const std::uint16_t operation : {std::uint16_t{1}, std::uint16_t{2}}) {
        Packet frame = make_arp(operation, probes::kBroadcastMac, mac, FakeInternet::kGateway, {},
                                FakeInternet::kGateway);
        if (mac != vp.port->mac()) internet.send_frame(vp.site, frame);
        std::copy_n(FakeInternet::kGatewayMac.bytes.begin(), 6,
                    reinterpret_cast<std::uint8_t*>(&frame[6]));  // from a sound Ethernet address
        internet.send_frame(vp.site, frame);
      }
    }
    for (int i = 0; i < 10; ++i) vp.round();
    EXPECT_GE(vp.arp(ArpOutcome::kBadSender), 14U) << "the port itself may have no address";
    EXPECT_EQ(vp.arp(ArpOutcome::kBadSender),
              vp.rejected(probes::Reject::kArp) - (is_known ? 1 : 0));
    EXPECT_EQ(vp.port->neighbours().gateway_is_known(), is_known);
    internet.answers_arp = true;
    vp.assign(ping(1, "198.51.100.7"));
    ASSERT_TRUE(vp.run_until_done());
    EXPECT_EQ(vp.result_of(1).outcome, Outcome::kReplied);
    EXPECT_EQ(vp.port->neighbours().gateway_mac(), FakeInternet::kGatewayMac);
    vp.check_laws();
  }
}

TEST(WorkerNeighbours, TakesNobodyForItself) {
  FakeInternet internet;
  internet.answers_arp = false;
  Bench vp(internet, {.knows_gateway = false});
  // Somebody says that the gateway is at our own Ethernet address.
  Packet frame = make_arp(2, vp.port->mac(), vp.port->mac(), FakeInternet::kGateway, vp.port->mac(),
                          vp.setup.address);
  frame[11] ^= std::byte{1};  // the frame is another's
  internet.send_frame(vp.site, frame);
  for (int i = 0; i < 5; ++i) vp.round();
  EXPECT_EQ(vp.arp(ArpOutcome::kBadSender), 1U);
  EXPECT_FALSE(vp.port->neighbours().gateway_is_known());
  vp.check_laws();
}

TEST(WorkerNeighbours, CountsEachArpFrameOnce) {
  FakeInternet internet;
  Bench vp(internet, {.knows_gateway = false});
  ASSERT_TRUE(vp.run_until([&] { return vp.port->neighbours().gateway_is_known(); }));
  EXPECT_EQ(vp.arp(ArpOutcome::kAnswer), 1U);
  const auto hear = [&](const Packet& frame) {
    internet.send_frame(vp.site, frame);
    for (int i = 0; i < 3; ++i) vp.round();
  };
  const Packet request =
      make_arp(1, probes::kBroadcastMac, kHostMac, ip("192.0.2.77"), {}, vp.setup.address);
  hear(request);
  EXPECT_EQ(vp.arp(ArpOutcome::kRequest), 1U);
  hear(make_arp(1, probes::kBroadcastMac, kHostMac, {}, {}, vp.setup.address));
  EXPECT_EQ(vp.arp(ArpOutcome::kRequest), 2U) << "a probe (RFC 5227) is answered, too";
  hear(make_arp(1, probes::kBroadcastMac, kHostMac, ip("192.0.2.77"), {}, ip("192.0.2.78")));
  EXPECT_EQ(vp.arp(ArpOutcome::kOther), 1U);
  hear(make_arp(2, vp.port->mac(), kHostMac, FakeInternet::kGateway, vp.port->mac(),
                vp.setup.address));
  EXPECT_EQ(vp.arp(ArpOutcome::kUnasked), 1U);
  // Hardware, protocol, their lengths, operation; and cut short.
  for (const std::size_t at : {15U, 17U, 18U, 19U, 20U, 21U}) {
    Packet odd = request;
    odd[at] ^= std::byte{0x40};
    hear(odd);
  }
  hear({request.begin(), request.begin() + 41});
  EXPECT_EQ(vp.arp(ArpOutcome::kMalformed), 7U);
  EXPECT_EQ(vp.port->neighbours().gateway_mac(), FakeInternet::kGatewayMac);
  vp.check_laws();
}

TEST(WorkerNeighbours, TellsAndDoesNotBelieveWhoClaimsItsOwnAddress) {
  FakeInternet internet;
  Bench vp(internet);
  for (const std::uint16_t operation : {std::uint16_t{1}, std::uint16_t{2}}) {
    internet.send_frame(vp.site, make_arp(operation, probes::kBroadcastMac, kHostMac,
                                          vp.setup.address, {}, vp.setup.address));
  }
  for (int i = 0; i < 5; ++i) vp.round();
  EXPECT_EQ(vp.arp(ArpOutcome::kConflict), 2U);
  EXPECT_EQ(vp.port->neighbours().rival(), kHostMac);
  EXPECT_TRUE(internet.arp.empty()) << "nobody is answered who claims to be us";
  vp.assign(ping(1, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kReplied);
  vp.check_laws();
}

TEST(WorkerNeighbours, FindsAGatewayThatMovedWithoutAWord) {
  FakeInternet internet;
  Bench vp(internet, {.step_us = 1000, .knows_gateway = false});
  vp.assign(ping(1, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  internet.gateway_mac = kHostMac;
  const Tsc moved = vp.now;
  std::uint64_t id = 1;
  ASSERT_TRUE(vp.run_until([&] {
    if (vp.results.size() == id) vp.assign(ping(++id, "198.51.100.7"));
    return vp.port->neighbours().gateway_mac() == kHostMac;
  }));
  EXPECT_EQ(vp.port->neighbours().gateway_moves(), 1U);
  ASSERT_TRUE(vp.run_until_done());
  vp.assign(ping(++id, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(id).outcome, Outcome::kReplied);
  EXPECT_LT(vp.clock.to_ns(vp.now.since(moved)), 60'000'000'000U)
      << "long before it would have been asked anyway";
  vp.check_laws();
}

TEST(WorkerNeighbours, ReachesAllThroughAGatewayOutsideOfItsPrefix) {
  FakeInternet internet;
  Bench vp(internet, {.address = ip("203.0.113.10"), .prefix_length = 32, .knows_gateway = false});
  vp.assign(ping(1, "198.51.100.7"));
  vp.assign(ping(2, "203.0.113.11"));
  vp.assign(ping(3, "192.0.2.1"));
  ASSERT_TRUE(vp.run_until_done());
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    EXPECT_EQ(vp.result_of(id).outcome, Outcome::kReplied) << id;
  }
  EXPECT_EQ(internet.arp.size(), 1U);
  vp.check_laws();
}

TEST(WorkerNeighbours, ReachesIsolatedHostsOfItsPrefixThroughTheGateway) {
  FakeInternet internet;
  Bench vp(internet, {.knows_gateway = false, .on_link = false});
  vp.assign(ping(1, "192.0.2.77"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kReplied);
  EXPECT_EQ(internet.arp.size(), 1U) << "the gateway alone is asked for";
  vp.check_laws();
}

// Puts a ping to each of `count` hosts of a /16, and runs until all have ended.
void ping_hosts(Bench& vp, std::uint64_t count) {
  std::uint64_t put = 0;
  ASSERT_TRUE(vp.run_until([&] {
    for (; put < count && vp.workers[0]->tasks().free_slots() != 0; ++put) {
      tasks::Task task = ping(put + 1, "192.0.16.0");
      task.dst.value += static_cast<std::uint32_t>(put);
      vp.assign(task);
    }
    return put == count && vp.results.size() == count;
  }));
}

const BenchSetup kLargeLink = {
    .prefix_length = 16, .places = 32'768, .inflight = 16'384, .waiting = 16'384};

TEST(WorkerNeighbours, ReachesMoreHostsOnTheLinkThanItKnowsAtOnce) {
  FakeInternet internet;
  internet.path.there.clear();
  constexpr std::uint64_t kHosts = 5'000;
  for (std::uint32_t i = 0; i < kHosts; ++i) {
    internet.hosts_on_link[{ip("192.0.16.0").value + i}] = kHostMac;
  }
  Bench vp(internet, kLargeLink);
  ping_hosts(vp, kHosts);
  for (const auto& it : vp.results) ASSERT_EQ(it.outcome, Outcome::kReplied);
  vp.check_laws();
}

TEST(WorkerNeighbours, SaysSoOfAHostThatFoundNoPlaceForTenSeconds) {
  FakeInternet internet;
  BenchSetup setup = kLargeLink;
  setup.step_us = 1000;
  Bench vp(internet, setup);
  ping_hosts(vp, 12'000);
  std::map<Reason, std::uint64_t> ends;
  for (const auto& it : vp.results) {
    ASSERT_EQ(it.outcome, Outcome::kSendFailed);
    ++ends[it.reason];
  }
  EXPECT_EQ(ends[Reason::kNeighbour] + ends[Reason::kNeighboursFull], 12'000U);
  EXPECT_GE(ends[Reason::kNeighbour], 2'048U);
  EXPECT_GE(ends[Reason::kNeighboursFull], 1U);
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

// A ping whose source is on the deny list may have been sent by anybody.
TEST(WorkerNeighbours, AnswersNoPingInTheNameOfSomebodyDenied) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
  const probes::Ipv4Prefix denied{ip("198.51.100.0"), 24};
  const SendPolicy in_force(2, config::BogonPolicy(true, {}), config::PrefixSet({&denied, 1}), {});
  vp.shared.policy = &in_force;
  vp.round();
  for (const char* from : {"198.51.100.7", "203.0.113.5"}) {
    internet.send(make_echo_request(ip(from), vp.setup.address));
  }
  for (int i = 0; i < 5; ++i) vp.round();
  ASSERT_EQ(internet.probes.size(), 1U);
  EXPECT_EQ(destination_of(internet.probes[0]), ip("203.0.113.5"));
  EXPECT_EQ(vp.counters().echo_replies_sent.value(), 1U);
  EXPECT_EQ(vp.rejected(probes::Reject::kEchoRequest), 2U);
  vp.check_laws();
}

// It sends no probe any more, and looks at the lists all the same.
TEST(WorkerNeighbours, AnswersNoPingOfWhoIsDeniedWhileItDrains) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
  const probes::Ipv4Prefix denied{ip("198.51.100.0"), 24};
  const SendPolicy in_force(2, config::BogonPolicy(true, {}), config::PrefixSet({&denied, 1}), {});
  Order drain;
  drain.what = Order::What::kDrain;
  vp.order(drain);
  vp.round();
  vp.shared.policy = &in_force;
  internet.send(make_echo_request(ip("198.51.100.7"), vp.setup.address));
  for (int i = 0; i < 5; ++i) vp.round();
  EXPECT_EQ(vp.rejected(probes::Reject::kEchoRequest), 1U);
  EXPECT_EQ(vp.counters().echo_replies_sent.value(), 0U);
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

// A host is a member of the network whose frames have no tag, or none but a priority.
TEST(WorkerNeighbours, AnswersArpAndPingsWithAPriorityAndNoneOfOtherVlans) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
  const auto tagged = [](Packet frame, std::initializer_list<std::uint16_t> tags) {
    std::size_t at = 12;
    for (const std::uint16_t tag : tags) {
      const std::array<std::byte, 4> bytes = {std::byte{0x81}, std::byte{0},
                                              static_cast<std::byte>(tag >> 8),
                                              static_cast<std::byte>(tag & 0xff)};
      frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
      at += 4;
    }
    return frame;
  };
  const Packet asks =
      make_arp(1, probes::kBroadcastMac, kHostMac, ip("192.0.2.77"), {}, vp.setup.address);
  const Packet pings = testing::in_ethernet(make_echo_request(ip("203.0.113.5"), vp.setup.address),
                                            vp.port->mac(), FakeInternet::kGatewayMac);
  for (const Packet& frame : {asks, pings}) {
    internet.send_frame(vp.site, tagged(frame, {0xe000}));
    internet.send_frame(vp.site, tagged(frame, {42}));
    internet.send_frame(vp.site, tagged(frame, {0, 42}));
    internet.send_frame(vp.site, tagged(frame, {42, 0}));
  }
  for (int i = 0; i < 5; ++i) vp.round();
  EXPECT_EQ(internet.arp.size(), 1U);
  ASSERT_EQ(internet.probe_frames.size(), 1U);
  EXPECT_EQ(internet.probe_frames[0][12], std::byte{0x08}) << "without a tag";
  EXPECT_EQ(vp.counters().echo_replies_sent.value(), 1U);
  EXPECT_EQ(vp.rejected(probes::Reject::kVlan), 6U);
  vp.check_laws();
}

}  // namespace
}  // namespace backsight::engine
