// Traceroutes through the fake Internet, by each method and past the ways in which routers quote.
#include <gtest/gtest.h>

#include "tests/support/random.h"

#include "bench.h"

namespace backsight::engine {
namespace {

using probes::TraceMethod;
using tasks::Outcome;

constexpr std::array<TraceMethod, 3> kMethods = {TraceMethod::kIcmp, TraceMethod::kUdp,
                                                 TraceMethod::kTcp};

void expect_whole_path(const tasks::TraceResult& trace) {
  EXPECT_EQ(trace.head.outcome, Outcome::kReached);
  const std::vector<Ipv4Addr> expected = {ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3"),
                                          ip("198.51.100.7")};
  ASSERT_EQ(trace.hops.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const tasks::Hop& hop = trace.hops[i];
    EXPECT_TRUE(hop.has_reply);
    EXPECT_EQ(hop.reply.from, expected[i]);
    EXPECT_EQ(hop.ttl, i + 1);
    EXPECT_EQ(hop.attempt, 1);
    EXPECT_GT(hop.rtt_ns, 0U);
    EXPECT_GE(hop.sent_at_ns, 1'700'000'000'000'000'000U);
  }
  EXPECT_EQ(trace.hops[0].quoted_ttl, 1);
  EXPECT_EQ(trace.head.sent_at_ns, trace.hops[0].sent_at_ns);
}

TEST(WorkerTrace, FindsEachHopByEachMethod) {
  for (const TraceMethod method : kMethods) {
    SCOPED_TRACE(std::string(name(method)));
    FakeInternet internet;
    Bench vp(internet);
    vp.assign(trace(9, "198.51.100.7", method));
    ASSERT_TRUE(vp.run_until_done());
    expect_whole_path(vp.trace_of(9));
    EXPECT_EQ(vp.trace_of(9).head.method, method);
    EXPECT_EQ(vp.trace_of(9).head.position, 1009U);
    vp.check_laws();
  }
}

TEST(WorkerTrace, FindsEachHopInLongQuotesAndExtensions) {
  const std::vector<probes::MplsLabel> labels = {
      {.label = 24001, .traffic_class = 3, .is_bottom = false, .ttl = 1},
      {.label = 99, .traffic_class = 0, .is_bottom = true, .ttl = 254}};
  for (const TraceMethod method : kMethods) {
    for (const testing::QuoteShape& quote :
         {testing::QuoteShape{.transport_bytes = testing::kWholeProbe},
          testing::QuoteShape{.mpls = labels},
          testing::QuoteShape{.transport_bytes = testing::kWholeProbe, .mpls = labels},
          testing::QuoteShape{.mpls = labels, .says_length = false}}) {
      FakeInternet internet;
      internet.path.quote = quote;
      Bench vp(internet);
      vp.assign(trace(9, "198.51.100.7", method));
      ASSERT_TRUE(vp.run_until_done());
      expect_whole_path(vp.trace_of(9));
      const tasks::Hop& hop = vp.trace_of(9).hops[0];
      ASSERT_EQ(hop.label_count, quote.mpls.size());
      for (std::size_t i = 0; i < quote.mpls.size(); ++i) EXPECT_EQ(hop.labels[i], labels[i]);
      vp.check_laws();
    }
  }
}

// Routers zero, swap and change the IP id that carries half of a UDP probe's handle.
TEST(WorkerTrace, KnowsAUdpProbeWhoseQuotedIpIdWasDamaged) {
  for (int damage = 0; damage < 3; ++damage) {
    FakeInternet internet;
    Bench vp(internet);
    internet.respond = [&](const Packet& probe) {
      std::vector<Packet> replies = internet.travel(probe);
      for (Packet& reply : replies) {
        std::byte* id = &reply[28 + 4];
        if (damage == 0) id[0] = id[1] = std::byte{0};
        if (damage == 1) std::swap(id[0], id[1]);
        if (damage == 2) id[0] ^= std::byte{0x5a};
        testing::fix_checksums(reply);
      }
      return replies;
    };
    vp.assign(trace(9, "198.51.100.7", TraceMethod::kUdp));
    ASSERT_TRUE(vp.run_until_done());
    expect_whole_path(vp.trace_of(9));
    vp.check_laws();
  }
}

// With several UDP traces under way at once, each finds its own replies.
TEST(WorkerTrace, KeepsManyUdpTracesWithDamagedQuotesApart) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [&](const Packet& probe) {
    std::vector<Packet> replies = internet.travel(probe);
    for (Packet& reply : replies) {
      reply[32] = reply[33] = std::byte{0};
      testing::fix_checksums(reply);
      internet.send(reply, 5);
    }
    return std::vector<Packet>{};
  };
  for (std::uint64_t id = 1; id <= 40; ++id) {
    tasks::Task task = trace(id, "198.51.100.7", TraceMethod::kUdp);
    task.dst.value += static_cast<std::uint32_t>(id % 4);
    task.flow = static_cast<std::uint16_t>(id * 999);
    vp.assign(task);
  }
  ASSERT_TRUE(vp.run_until_done());
  for (const tasks::TraceResult& it : vp.traces) {
    EXPECT_EQ(it.head.outcome, Outcome::kReached);
    EXPECT_EQ(it.hops.size(), 4U);
    EXPECT_EQ(it.hops.back().reply.from, it.head.dst);
  }
  vp.check_laws();
}

TEST(WorkerTrace, KeepsTheFlowOfAllItsProbes) {
  for (const TraceMethod method : kMethods) {
    FakeInternet internet;
    Bench vp(internet);
    tasks::Task task = trace(9, "198.51.100.7", method);
    task.flow = 0xbeef;
    vp.assign(task);
    ASSERT_TRUE(vp.run_until_done());
    ASSERT_EQ(internet.probes.size(), 4U);
    for (const Packet& probe : internet.probes) {
      // The four bytes after the IP header; of ICMP, type, code and checksum.
      EXPECT_TRUE(std::equal(&probe[20], &probe[24], &internet.probes[0][20]));
    }
    vp.check_laws();
  }
}

TEST(WorkerTrace, ReachesAHostThatAcceptsTcp) {
  FakeInternet internet;
  internet.path.accepts_tcp = true;
  Bench vp(internet);
  vp.assign(trace(9, "198.51.100.7", TraceMethod::kTcp));
  ASSERT_TRUE(vp.run_until_done());
  expect_whole_path(vp.trace_of(9));
  EXPECT_EQ(vp.trace_of(9).hops.back().reply.type, probes::ReplyType::kTcpSynAck);
  vp.check_laws();
}

TEST(WorkerTrace, AsksASilentRouterAgainAndGoesOn) {
  FakeInternet internet;
  internet.path.silent = {ip("10.0.0.2")};
  Bench vp(internet);
  tasks::Task task = trace(9, "198.51.100.7");
  task.timeout_ms = 60;
  task.attempts = 3;
  vp.assign(task);
  ASSERT_TRUE(vp.run_until_done());
  const tasks::TraceResult& end = vp.trace_of(9);
  EXPECT_EQ(end.head.outcome, Outcome::kReached);
  ASSERT_EQ(end.hops.size(), 6U);
  for (std::uint8_t attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_EQ(end.hops[attempt].ttl, 2);
    EXPECT_EQ(end.hops[attempt].attempt, attempt);
    EXPECT_FALSE(end.hops[attempt].has_reply);
  }
  vp.check_laws();
}

TEST(WorkerTrace, EndsAfterAGapAtTheLastTtlInALoopAndAtARefusal) {
  FakeInternet internet;
  Path& gap = internet.paths[ip("198.51.100.1")];
  gap.there = {ip("10.0.0.1")};
  gap.has_host = false;
  Path& loop = internet.paths[ip("198.51.100.2")];
  for (int i = 0; i < 40; ++i) loop.there.push_back(i % 2 == 0 ? ip("10.0.0.1") : ip("10.0.0.2"));
  Path& far = internet.paths[ip("198.51.100.3")];
  for (std::uint32_t i = 0; i < 40; ++i) far.there.push_back({0x0a000000 + i});
  Bench vp(internet);
  internet.respond = [&](const Packet& probe) -> std::vector<Packet> {
    if (destination_of(probe) != ip("198.51.100.4")) return internet.travel(probe);
    return {testing::make_unreachable(probe, ip("10.0.0.1"), 1)};
  };
  for (std::uint64_t id = 1; id <= 4; ++id) {
    tasks::Task task = trace(id, ("198.51.100." + std::to_string(id)).c_str());
    task.timeout_ms = 30;
    task.gap_limit = 3;
    vp.assign(task);
  }
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.trace_of(1).head.outcome, Outcome::kGapLimit);
  EXPECT_EQ(vp.trace_of(1).hops.size(), 7U);
  EXPECT_EQ(vp.trace_of(2).head.outcome, Outcome::kLoop);
  EXPECT_EQ(vp.trace_of(2).hops.size(), 4U);
  EXPECT_EQ(vp.trace_of(3).head.outcome, Outcome::kMaxTtl);
  EXPECT_EQ(vp.trace_of(3).hops.size(), 32U);
  EXPECT_EQ(vp.trace_of(4).head.outcome, Outcome::kUnreachable);
  vp.check_laws();
}

// Two alike at once: same destination, same flow, UDP.
TEST(WorkerTrace, EndsTwoTracesThatAreAlike) {
  FakeInternet internet;
  Bench vp(internet);
  vp.assign(trace(1, "198.51.100.7", TraceMethod::kUdp));
  vp.assign(trace(2, "198.51.100.7", TraceMethod::kUdp));
  ASSERT_TRUE(vp.run_until_done());
  expect_whole_path(vp.trace_of(1));
  expect_whole_path(vp.trace_of(2));
  vp.check_laws();
}

// Every attempt once, and each answer from where its TTL ends.
void expect_hops_in_order(const tasks::TraceResult& trace) {
  const FakeInternet usual;
  std::uint8_t ttl = 1;
  std::uint8_t attempt = 1;
  for (const tasks::Hop& hop : trace.hops) {
    EXPECT_EQ(hop.ttl, ttl) << trace.head.task;
    EXPECT_EQ(hop.attempt, attempt) << trace.head.task;
    const auto& there = usual.path.there;
    if (hop.has_reply) {
      EXPECT_EQ(hop.reply.from, ttl <= there.size() ? there[ttl - 1U] : trace.head.dst);
    }
    const bool goes_on = hop.has_reply || attempt == tasks::Task().attempts;
    ttl = static_cast<std::uint8_t>(ttl + (goes_on ? 1 : 0));
    attempt = static_cast<std::uint8_t>(goes_on ? 1 : attempt + 1);
  }
}

// The next probe's attempt is lost or late, and answers of an attempt before come after it.
TEST(WorkerTrace, EndsOnceEachWhateverTheNetworkDoes) {
  BACKSIGHT_RANDOM(random);
  FakeInternet internet;
  Bench vp(internet, {.inflight = 256, .traces = 16});
  internet.respond = [&](const Packet& probe) {
    for (const Packet& reply : internet.travel(probe)) {
      if (random.one_in(5)) continue;
      internet.send(reply, random.below(random.one_in(10) ? 3000 : 10));
      if (random.one_in(5)) internet.send(reply, random.below(100));
    }
    return std::vector<Packet>{};
  };
  constexpr std::uint64_t kTraces = 300;
  std::uint64_t next = 1;
  ASSERT_TRUE(vp.run_until([&] {
    for (; next <= kTraces && next <= vp.traces.size() + 16; ++next) {
      tasks::Task task = trace(next, "198.51.100.7", kMethods[random.below(3)]);
      task.dst.value += static_cast<std::uint32_t>(random.below(100));
      task.timeout_ms = static_cast<std::uint32_t>(1 + random.below(3));
      task.flow = static_cast<std::uint16_t>(random.word());
      vp.assign(task);
    }
    return vp.traces.size() == kTraces;
  }));
  for (const tasks::TraceResult& it : vp.traces) expect_hops_in_order(it);
  vp.check_laws();
  EXPECT_GT(vp.count(RxOutcome::kLate), 0U);
  EXPECT_GT(vp.count(RxOutcome::kDuplicate), 0U);
}

// A place is free for another trace as soon as the one before has ended.
TEST(WorkerTrace, RunsAsManyAtOnceAsThereIsRoomForAndPingsBesides) {
  FakeInternet internet;
  internet.paths[ip("203.0.113.1")].has_host = false;
  internet.paths[ip("203.0.113.1")].there.clear();
  Bench vp(internet, {.traces = 4});
  for (std::uint64_t id = 1; id <= 4; ++id) vp.assign(trace(id, "203.0.113.1"));
  for (std::uint64_t id = 101; id <= 200; ++id) vp.assign(ping(id, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until([&] { return vp.results.size() == 100; }, 10'000))
      << "pings wait for no trace";
  EXPECT_TRUE(vp.traces.empty());
  internet.paths.clear();
  for (std::uint64_t id = 5; id <= 40; ++id) {
    ASSERT_TRUE(vp.run_until([&] { return vp.traces.size() + 4 >= id; }));
    vp.assign(trace(id, "198.51.100.7"));
  }
  ASSERT_TRUE(vp.run_until_done());
  for (std::uint64_t id = 5; id <= 40; ++id) expect_whole_path(vp.trace_of(id));
  vp.check_laws();
}

// --- two workers --------------------------------------------------------------------------------

class WorkerPair : public ::testing::Test {
 protected:
  static BenchSetup two_workers() {
    BenchSetup setup;
    setup.workers = 2;
    return setup;
  }
  FakeInternet internet;
  Bench vp{internet, two_workers()};
};

TEST_F(WorkerPair, ReportsAProbeWhereItsReplyArrives) {
  internet.queue_of = [](const Packet&) { return 1; };
  for (std::uint64_t id = 1; id <= 20; ++id) vp.assign(record_route(id, "198.51.100.7"), 0);
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters(0).tasks.value(), 20U);
  EXPECT_EQ(vp.counters(0).results.sum(), 0U);
  EXPECT_EQ(vp.counters(1).results[Outcome::kReplied].value(), 20U);
  EXPECT_EQ(vp.counters(1).outcomes[RxOutcome::kMatched].value(), 20U);
  vp.check_laws();
}

TEST_F(WorkerPair, HandsTheAnswersOfATraceToItsOwner) {
  internet.queue_of = [](const Packet&) { return 1; };
  for (const TraceMethod method : {TraceMethod::kIcmp, TraceMethod::kTcp, TraceMethod::kUdp}) {
    vp.assign(trace(static_cast<std::uint64_t>(method) + 1, "198.51.100.7", method), 0);
  }
  ASSERT_TRUE(vp.run_until_done());
  for (std::uint64_t id = 1; id <= 3; ++id) expect_whole_path(vp.trace_of(id));
  EXPECT_EQ(vp.counters(0).results[Outcome::kReached].value(), 3U);
  EXPECT_EQ(vp.counters(1).outcomes[RxOutcome::kMatched].value(), 12U);
  vp.check_laws();
}

TEST_F(WorkerPair, EndsEachTaskOnceWhereverRepliesArrive) {
  BACKSIGHT_RANDOM(random);
  internet.queue_of = [&](const Packet&) { return random.below(2); };
  internet.respond = [&](const Packet& probe) {
    for (const Packet& reply : internet.travel(probe)) {
      if (random.one_in(10)) continue;
      internet.send(reply, random.below(20));
      if (random.one_in(10)) internet.send(reply, random.below(20));
    }
    return std::vector<Packet>{};
  };
  std::uint64_t next = 1;
  ASSERT_TRUE(vp.run_until([&] {
    for (; next <= 1000 && next <= vp.results.size() + vp.traces.size() + 50; ++next) {
      tasks::Task task = random.one_in(3) ? trace(next, "198.51.100.7", kMethods[random.below(3)])
                                          : record_route(next, "198.51.100.7");
      task.dst.value += static_cast<std::uint32_t>(random.below(1000));
      task.timeout_ms = 5;
      vp.assign(task, static_cast<unsigned>(random.below(2)));
    }
    return vp.results.size() + vp.traces.size() == 1000;
  }));
  vp.check_laws();
  EXPECT_GT(vp.count(RxOutcome::kDuplicate), 0U);
}

// The owner's inbox takes 1024; it does not look while we fill it.
TEST_F(WorkerPair, CountsWhatAFullInboxCannotTakeAndTheAttemptTimesOut) {
  BenchSetup setup = two_workers();
  setup.address = ip("192.0.2.30");
  setup.traces = 2048;
  setup.inflight = 4096;
  setup.waiting = 4096;
  setup.wire_slots = 4096;
  Bench many(internet, setup);
  std::vector<Packet> replies;
  internet.queue_of = [](const Packet&) { return 1; };
  internet.respond = [&](const Packet& probe) {
    for (const Packet& reply : internet.travel(probe)) replies.push_back(reply);
    return std::vector<Packet>{};
  };
  for (std::uint64_t id = 1; id <= 1500; ++id) {
    tasks::Task task = trace(id, "198.51.100.7");
    task.dst.value += static_cast<std::uint32_t>(id);
    task.timeout_ms = 3000;
    task.max_ttl = 1;
    task.attempts = 1;
    while (many.workers[0]->tasks().free_slots() == 0) many.round();
    many.assign(task, 0);
  }
  ASSERT_TRUE(many.run_until([&] { return replies.size() == 1500; }));
  for (const Packet& reply : replies) internet.send(reply);
  internet.step();
  for (int i = 0; i < 100; ++i) many.workers[1]->round();
  EXPECT_EQ(many.count(RxOutcome::kMatched), 1024U);
  EXPECT_EQ(many.count(RxOutcome::kHandoverFull), 1500U - 1024U);
  ASSERT_TRUE(many.run_until_done());
  many.check_laws();
}

TEST_F(WorkerPair, ShareOneRate) {
  BenchSetup setup = two_workers();
  setup.address = ip("192.0.2.30");
  setup.rate_pps = 20'000;
  Bench slow(internet, setup);
  const std::uint64_t rested = 20;
  slow.run_for_ms(rested);
  for (std::uint64_t id = 1; id <= 1000; ++id) {
    slow.assign(ping(id, "198.51.100.7"), static_cast<unsigned>(id % 2));
  }
  const std::size_t before = internet.probes.size();
  slow.run_for_ms(20);
  const double sent = static_cast<double>(internet.probes.size() - before);
  EXPECT_LE(sent, 20'000 * 0.020 * 1.1 + 21);
  ASSERT_TRUE(slow.run_until([&] { return internet.probes.size() - before >= 200; }));
  ASSERT_TRUE(slow.run_until_done());
  slow.check_laws();
}

}  // namespace
}  // namespace backsight::engine
