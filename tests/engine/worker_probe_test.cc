// A worker before a fake Internet: what single probes find out.
#include <gtest/gtest.h>

#include "tests/support/random.h"

#include "bench.h"

namespace backsight::engine {
namespace {

using probes::Kind;
using probes::ReplyType;
using tasks::Outcome;
using tasks::Reason;
using tasks::Recorded;

std::vector<Ipv4Addr> addresses_of(const Recorded& recorded) {
  return {recorded.addresses.begin(), recorded.addresses.begin() + recorded.count};
}

TEST(WorkerProbe, PingsAndTellsWhoAnsweredAndWhen) {
  FakeInternet internet;
  Bench vp(internet);
  vp.assign(ping(17, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  const auto& result = vp.result_of(17);
  EXPECT_EQ(result.outcome, Outcome::kReplied);
  EXPECT_EQ(result.position, 1017U);
  EXPECT_EQ(result.kind, Kind::kPing);
  EXPECT_EQ(result.src, vp.setup.address);
  EXPECT_EQ(result.dst, ip("198.51.100.7"));
  EXPECT_TRUE(result.has_reply);
  EXPECT_EQ(result.reply.from, ip("198.51.100.7"));
  EXPECT_EQ(result.reply.type, ReplyType::kEchoReply);
  EXPECT_EQ(result.reply.ttl, testing::kReplyTtl);
  EXPECT_EQ(result.recorded.what, Recorded::What::kNothing);
  EXPECT_GT(result.rtt_ns, 0U);
  EXPECT_LT(result.rtt_ns, 1'000'000'000U);
  EXPECT_GE(result.sent_at_ns, 1'700'000'000'000'000'000U);
  EXPECT_EQ(vp.count(RxOutcome::kMatched), 1U);
  EXPECT_EQ(vp.counters().sent[Kind::kPing].value(), 1U);
  vp.check_laws();
}

TEST(WorkerProbe, SendsToTheGatewaysMacFromItsOwn) {
  FakeInternet internet;
  Bench vp(internet);
  vp.assign(ping(1, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  ASSERT_EQ(internet.probe_frames.size(), 1U);
  const Packet expected =
      testing::in_ethernet(internet.probes[0], FakeInternet::kGatewayMac, vp.port->mac());
  EXPECT_TRUE(std::equal(internet.probe_frames[0].begin(), internet.probe_frames[0].end(),
                         expected.begin()));
  EXPECT_TRUE(internet.arp.empty()) << "the gateway's MAC stands in the config";
  vp.check_laws();
}

TEST(WorkerProbe, ReadsTheRecordedRouteThereAndBack) {
  FakeInternet internet;
  Bench vp(internet);
  vp.assign(record_route(2, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  const auto& result = vp.result_of(2);
  EXPECT_EQ(result.outcome, Outcome::kReplied);
  EXPECT_EQ(result.recorded.what, Recorded::What::kRoute);
  EXPECT_FALSE(result.recorded.from_quote);
  EXPECT_EQ(result.recorded.slots, 9);
  EXPECT_EQ(addresses_of(result.recorded),
            (std::vector<Ipv4Addr>{ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3"),
                                   ip("198.51.100.7"), ip("10.0.1.1"), ip("10.0.1.2")}));
  vp.check_laws();
}

TEST(WorkerProbe, ReadsAllNineSlotsWhenTheRouteIsLonger) {
  FakeInternet internet;
  for (std::uint32_t i = 0; i < 6; ++i) internet.path.there.push_back({0x0a000100 + i});
  Bench vp(internet);
  vp.assign(record_route(2, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(2).recorded.count, 9);
  vp.check_laws();
}

TEST(WorkerProbe, ReadsTheQuotedRouteOfAnError) {
  FakeInternet internet;
  Bench vp(internet);
  tasks::Task task = record_route(3, "198.51.100.7");
  task.ttl = 3;
  vp.assign(task);
  ASSERT_TRUE(vp.run_until_done());
  const auto& result = vp.result_of(3);
  EXPECT_EQ(result.outcome, Outcome::kError);
  EXPECT_EQ(result.reply.from, ip("10.0.0.3"));
  EXPECT_EQ(result.reply.type, ReplyType::kTimeExceeded);
  EXPECT_EQ(result.reply.icmp_type, 11);
  EXPECT_TRUE(result.recorded.from_quote);
  EXPECT_EQ(addresses_of(result.recorded), (std::vector<Ipv4Addr>{ip("10.0.0.1"), ip("10.0.0.2")}));
  vp.check_laws();
}

TEST(WorkerProbe, ReadsTimestampsOfEachFlavour) {
  FakeInternet internet;
  internet.path.there = {ip("10.0.0.1"), ip("10.0.0.2")};
  Bench vp(internet);
  using probes::TimestampType;
  std::uint64_t id = 0;
  for (const TimestampType type :
       {TimestampType::kOnly, TimestampType::kWithAddresses, TimestampType::kPrespecified}) {
    tasks::Task task = ping(++id, "198.51.100.7");
    task.kind = Kind::kTimestamp;
    task.timestamp = type;
    if (type == TimestampType::kPrespecified) {
      task.prespecified_count = 2;
      task.prespecified = {ip("10.0.0.1"), ip("198.51.100.7")};
    }
    vp.assign(task);
  }
  ASSERT_TRUE(vp.run_until_done());
  for (id = 1; id <= 3; ++id) {
    const auto& result = vp.result_of(id);
    EXPECT_EQ(result.outcome, Outcome::kReplied);
    EXPECT_EQ(result.recorded.what, Recorded::What::kTimestamps);
    EXPECT_EQ(result.recorded.count, id == 3 ? 2 : 3);
    EXPECT_EQ(result.recorded.milliseconds[0], 1000U);
  }
  EXPECT_EQ(vp.result_of(2).recorded.addresses[1], ip("10.0.0.2"));
  EXPECT_EQ(vp.result_of(2).recorded.milliseconds[2], 2000U);
  EXPECT_EQ(vp.result_of(3).recorded.addresses[1], ip("198.51.100.7"));
  vp.check_laws();
}

TEST(WorkerProbe, TellsOfUnreachablesAndParameterProblems) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [&](const Packet& probe) -> std::vector<Packet> {
    if (destination_of(probe) == ip("198.51.100.1")) {
      return {testing::make_unreachable(probe, ip("10.0.0.2"), 13)};
    }
    return {testing::make_parameter_problem(probe, ip("10.0.0.2"), 20)};
  };
  vp.assign(record_route(1, "198.51.100.1"));
  vp.assign(record_route(2, "198.51.100.2"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kError);
  EXPECT_EQ(vp.result_of(1).reply.type, ReplyType::kUnreachable);
  EXPECT_EQ(vp.result_of(1).reply.icmp_code, 13);
  EXPECT_EQ(vp.result_of(2).outcome, Outcome::kError);
  EXPECT_EQ(vp.result_of(2).reply.type, ReplyType::kParameterProblem);
  vp.check_laws();
}

TEST(WorkerProbe, TimesOutWhenNobodyAnswers) {
  FakeInternet internet;
  internet.path.has_host = false;
  Bench vp(internet);
  tasks::Task task = ping(1, "198.51.100.7");
  task.timeout_ms = 5;
  vp.assign(task);
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kTimedOut);
  EXPECT_FALSE(vp.result_of(1).has_reply);
  EXPECT_NE(vp.result_of(1).sent_at_ns, 0U);
  vp.check_laws();
}

TEST(WorkerProbe, SendsTheTaskTtlAndIdentity) {
  FakeInternet internet;
  Bench vp(internet);
  tasks::Task task = ping(0x123456, "198.51.100.7");
  task.ttl = 200;
  vp.assign(task);
  ASSERT_TRUE(vp.run_until_done());
  const Packet& probe = internet.probes.at(0);
  EXPECT_EQ(probe[8], std::byte{200});
  const probes::Identity identity = probes::load_identity(&probe[28]);
  EXPECT_EQ(identity.id.vp, vp.setup.vp_id);
  EXPECT_EQ(identity.id.number, 0x123456U);
  vp.check_laws();
}

// More probes than slots, to many places, some silent, some lost, some doubled.
TEST(WorkerProbe, AnswersEachOfManyTasksOnceWhateverTheNetworkDoes) {
  BACKSIGHT_RANDOM(random);
  FakeInternet internet;
  Bench vp(internet, {.inflight = 256});
  internet.respond = [&](const Packet& probe) -> std::vector<Packet> {
    std::vector<Packet> replies = internet.travel(probe);
    if (random.word() % 10 == 0) return {};
    if (random.word() % 10 == 0) replies.push_back(replies.front());
    // Reordered, and sometimes later than the time-out.
    for (const Packet& reply : replies) {
      internet.send(reply, random.word() % 50 == 0 ? 20'000 : random.word() % 20);
    }
    return {};
  };
  constexpr std::uint64_t kTasks = 3'000;
  std::uint64_t next = 1;
  ASSERT_TRUE(vp.run_until([&] {
    for (int i = 0; i < 16 && next <= kTasks; ++i, ++next) {
      tasks::Task task;
      task.id = next;
      task.dst = {0xc6336400 + static_cast<std::uint32_t>(random.word() % 65536)};
      task.kind = random.word() % 2 == 0 ? Kind::kPing : Kind::kRecordRoute;
      task.timeout_ms = static_cast<std::uint32_t>(1 + random.word() % 20);
      task.ttl = static_cast<std::uint8_t>(random.word() % 4 == 0 ? 1 + random.word() % 3 : 64);
      if (vp.workers[0]->tasks().free_slots() == 0) break;
      vp.assign(task);
    }
    return next > kTasks && vp.results.size() == kTasks;
  }));
  vp.check_laws();
  EXPECT_GT(vp.count(RxOutcome::kMatched), kTasks / 2);
  EXPECT_GT(vp.count(RxOutcome::kDuplicate), 0U);
  EXPECT_EQ(vp.count(RxOutcome::kMismatch), 0U);
  EXPECT_EQ(vp.count(RxOutcome::kBadTag), 0U);
  const auto& counters = vp.counters();
  EXPECT_EQ(counters.results[Outcome::kReplied].value() + counters.results[Outcome::kError].value(),
            vp.count(RxOutcome::kMatched));
  EXPECT_EQ(vp.workers[0]->inflight().used(), 0U);
}

}  // namespace
}  // namespace backsight::engine
