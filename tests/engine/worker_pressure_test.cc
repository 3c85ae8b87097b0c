// A worker when something is full, empty, silent or told to stop: nothing is lost, all goes on.
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include <gtest/gtest.h>

#include "bench.h"
#include "tests/support/random.h"

namespace backsight::engine {
namespace {

using tasks::Outcome;
using tasks::Reason;

void assign_pings(Bench& vp, std::uint64_t first, std::uint64_t count,
                  std::uint32_t timeout_ms = 2000) {
  for (std::uint64_t id = first; id < first + count; ++id) {
    tasks::Task task = ping(id, "198.51.100.1");
    task.dst.value += static_cast<std::uint32_t>(id) * 256;
    task.timeout_ms = timeout_ms;
    vp.assign(task);
  }
}

TEST(WorkerPressure, HoldsBackWhenTheInflightRingIsFull) {
  FakeInternet internet;
  internet.path.has_host = false;
  Bench vp(internet, {.inflight = 64});
  assign_pings(vp, 1, 500, 3);
  vp.run_until([&] { return vp.counters().inflight_full.value() > 0; });
  EXPECT_GT(vp.counters().inflight_full.value(), 0U);
  EXPECT_LE(vp.workers[0]->inflight().used(), 64U);
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kTimedOut].value(), 500U);
  vp.check_laws();
}

TEST(WorkerPressure, HoldsBackWhenThePortTakesNothingAndSendsAllLater) {
  FakeInternet internet;
  Bench vp(internet, {.wire_slots = 32});
  internet.takes_nothing = true;
  assign_pings(vp, 1, 300);
  vp.run_for_ms(5);
  EXPECT_GT(vp.counters().transmit_full.value(), 0U);
  EXPECT_TRUE(vp.results.empty());
  internet.takes_nothing = false;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kReplied].value(), 300U);
  vp.check_laws();
}

TEST(WorkerPressure, FailsWhatWaitsWhenThePortTakesNothingForASecond) {
  FakeInternet internet;
  Bench vp(internet, {.step_us = 1000, .wire_slots = 32});
  internet.takes_nothing = true;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    tasks::Task task = id % 4 == 0 ? trace(id, "198.51.100.7") : ping(id, "198.51.100.7");
    task.timeout_ms = 60'000;
    task.dst.value += static_cast<std::uint32_t>(id) * 256;
    vp.assign(task);
  }
  ASSERT_TRUE(vp.run_until([&] { return vp.results.size() + vp.traces.size() >= 8; }));
  for (const auto& it : vp.results) {
    EXPECT_EQ(it.outcome, Outcome::kSendFailed);
    EXPECT_EQ(it.reason, Reason::kTransmit);
  }
  for (const auto& it : vp.traces) EXPECT_EQ(it.head.reason, Reason::kTransmit);
  internet.takes_nothing = false;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kSendFailed].value(), 8U);
  vp.check_laws();
  // The port is well again.
  assign_pings(vp, 100, 50);
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kSendFailed].value(), 8U);
  vp.check_laws();
}

TEST(WorkerPressure, WaitsForBuffersWhenThereAreNone) {
  FakeInternet internet;
  Bench vp(internet);
  rte_mempool* const pool = vp.port->queue(0).pool();
  std::vector<rte_mbuf*> taken;
  while (rte_mbuf* const packet = rte_pktmbuf_alloc(pool)) taken.push_back(packet);
  assign_pings(vp, 1, 100);
  vp.run_for_ms(5);
  EXPECT_GT(vp.counters().no_buffer.value(), 0U);
  EXPECT_TRUE(vp.results.empty());
  EXPECT_TRUE(internet.probes.empty());
  for (rte_mbuf* const packet : taken) rte_pktmbuf_free(packet);
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kReplied].value(), 100U);
  vp.check_laws();
}

TEST(WorkerPressure, HoldsBackWithoutLossWhenNobodyReadsItsReports) {
  FakeInternet internet;
  Bench vp(internet, {.inflight = 1U << 15, .waiting = 1U << 14});
  vp.reads_reports = false;
  constexpr std::uint64_t kTasks = 20'000;
  std::uint64_t next = 1;
  vp.run_until([&] {
    for (; next <= kTasks && vp.workers[0]->tasks().free_slots() != 0; ++next) {
      assign_pings(vp, next, 1, 60'000);
    }
    return vp.counters().results_full.value() > 100;
  });
  EXPECT_GT(vp.counters().results_full.value(), 0U);
  vp.reads_reports = true;
  ASSERT_TRUE(vp.run_until([&] {
    for (; next <= kTasks && vp.workers[0]->tasks().free_slots() != 0; ++next) {
      assign_pings(vp, next, 1, 60'000);
    }
    return vp.results.size() == kTasks;
  }));
  EXPECT_EQ(vp.counters().results[Outcome::kReplied].value(), kTasks);
  vp.check_laws();
}

// Nobody can be reached, and no limit spreads the failures over time.
TEST(WorkerPressure, FailsManyAtOnceWithoutLosingAReport) {
  FakeInternet internet;
  Bench vp(internet, {.step_us = 1000, .has_gateway = false, .waiting = 1U << 14});
  constexpr std::uint64_t kTasks = 12'000;
  std::uint64_t next = 1;
  ASSERT_TRUE(vp.run_until([&] {
    for (; next <= kTasks && vp.workers[0]->tasks().free_slots() != 0; ++next) {
      tasks::Task task = ping(next, "192.0.2.200");  // on the link, and not there
      vp.assign(task);
    }
    return next > kTasks && vp.results.size() == kTasks;
  }));
  EXPECT_EQ(vp.counters().results[Outcome::kSendFailed].value(), kTasks);
  for (const auto& it : vp.results) ASSERT_EQ(it.reason, Reason::kNeighbour);
  vp.check_laws();
}

TEST(WorkerPressure, FailsWhatHasNoRoute) {
  FakeInternet internet;
  Bench vp(internet, {.has_gateway = false});
  vp.assign(ping(1, "198.51.100.7"));
  vp.assign(trace(2, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kSendFailed);
  EXPECT_EQ(vp.result_of(1).reason, Reason::kNoRoute);
  EXPECT_EQ(vp.result_of(1).sent_at_ns, 0U);
  EXPECT_EQ(vp.trace_of(2).head.outcome, Outcome::kSendFailed);
  EXPECT_EQ(vp.trace_of(2).head.reason, Reason::kNoRoute);
  EXPECT_TRUE(vp.trace_of(2).hops.empty());
  vp.check_laws();
}

// --- the kill switch ----------------------------------------------------------------------------

TEST(WorkerSilence, SendsNothingWhileItIsOnAndGoesOnAfterwards) {
  FakeInternet internet;
  Bench vp(internet, {.knows_gateway = false});
  vp.shared.is_silenced = true;
  assign_pings(vp, 1, 50);
  internet.send_frame(vp.site, make_arp(1, probes::kBroadcastMac, FakeInternet::kGatewayMac,
                                        FakeInternet::kGateway, {}, vp.setup.address));
  vp.run_for_ms(30);
  EXPECT_TRUE(internet.probes.empty());
  EXPECT_TRUE(internet.arp.empty()) << "not even ARP";
  EXPECT_TRUE(vp.results.empty());
  vp.shared.is_silenced = false;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kReplied].value(), 50U);
  vp.check_laws();
}

TEST(WorkerSilence, StillHearsWhatIsUnderWay) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [&](const Packet& probe) {
    for (const Packet& reply : internet.travel(probe)) internet.send(reply, 100);
    return std::vector<Packet>{};
  };
  assign_pings(vp, 1, 20);
  ASSERT_TRUE(vp.run_until([&] { return internet.probes.size() == 20; }));
  vp.shared.is_silenced = true;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kReplied].value(), 20U);
  vp.check_laws();
}

// Probes that are crafted and not accepted when silence falls run out of time; then they leave
// late.
TEST(WorkerSilence, EndsEachTaskOnceWhenItFallsOnAFullPort) {
  FakeInternet internet;
  Bench vp(internet, {.wire_slots = 16});
  internet.takes_nothing = true;
  for (std::uint64_t id = 1; id <= 60; ++id) {
    tasks::Task task = id % 3 == 0 ? trace(id, "198.51.100.7") : ping(id, "198.51.100.7");
    task.dst.value += static_cast<std::uint32_t>(id) * 256;
    task.timeout_ms = 3;
    vp.assign(task);
  }
  vp.run_for_ms(2);
  vp.shared.is_silenced = true;
  vp.run_for_ms(10);
  internet.takes_nothing = false;
  vp.shared.is_silenced = false;
  ASSERT_TRUE(vp.run_until_done());
  vp.check_laws();
}

// --- draining -----------------------------------------------------------------------------------

Order drain() {
  Order order;
  order.what = Order::What::kDrain;
  return order;
}

TEST(WorkerDrain, EndsWhatWaitsAsStoppedAndWaitsForWhatIsInFlight) {
  FakeInternet internet;
  Bench vp(internet, {.limits = {.per_destination_pps = 10}});
  internet.respond = [&](const Packet& probe) {
    for (const Packet& reply : internet.travel(probe)) internet.send(reply, 200);
    return std::vector<Packet>{};
  };
  for (std::uint64_t id = 1; id <= 200; ++id) vp.assign(ping(id, "198.51.100.7"));
  for (std::uint64_t id = 201; id <= 220; ++id) vp.assign(trace(id, "203.0.113.8"));
  ASSERT_TRUE(vp.run_until([&] { return internet.probes.size() >= 2; }));
  vp.order(drain());
  ASSERT_TRUE(vp.run_until_done());
  std::size_t replied = 0;
  for (const auto& it : vp.results) {
    if (it.outcome == Outcome::kReplied) {
      ++replied;
    } else {
      EXPECT_EQ(it.outcome, Outcome::kSendFailed);
      EXPECT_EQ(it.reason, Reason::kStopped);
    }
  }
  EXPECT_EQ(replied, 1U);
  for (const auto& it : vp.traces) EXPECT_EQ(it.head.reason, Reason::kStopped);
  EXPECT_EQ(internet.probes.size(), 2U);
  vp.check_laws();
}

TEST(WorkerDrain, EndsWhatComesLaterToo) {
  FakeInternet internet;
  Bench vp(internet);
  vp.order(drain());
  vp.run_for_ms(1);
  assign_pings(vp, 1, 1000);
  vp.assign(trace(2000, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  for (const auto& it : vp.results) EXPECT_EQ(it.reason, Reason::kStopped);
  EXPECT_TRUE(internet.probes.empty());
  vp.check_laws();
}

TEST(WorkerDrain, EndsWhatWaitsForANeighbour) {
  FakeInternet internet;
  internet.answers_arp = false;
  Bench vp(internet, {.knows_gateway = false});
  assign_pings(vp, 1, 100);
  vp.run_for_ms(30);
  EXPECT_TRUE(vp.results.empty());
  vp.order(drain());
  ASSERT_TRUE(vp.run_until_done());
  for (const auto& it : vp.results) EXPECT_EQ(it.reason, Reason::kStopped);
  vp.check_laws();
}

TEST(WorkerDrain, EndsWhatAFullPortHolds) {
  FakeInternet internet;
  Bench vp(internet, {.wire_slots = 16});
  internet.takes_nothing = true;
  assign_pings(vp, 1, 200);
  vp.assign(trace(1000, "198.51.100.7"));
  vp.run_for_ms(2);
  vp.order(drain());
  vp.run_for_ms(2);
  internet.takes_nothing = false;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kReplied].value(), 16U);
  vp.check_laws();
}

// All the room is taken, by the schedule's places and by what is put off; more comes while it ends.
TEST(WorkerDrain, EndsMoreTasksThanThereIsRoomFor) {
  FakeInternet internet;
  Bench vp(internet, {.limits = {.per_destination_pps = 1}, .places = 64, .waiting = 128});
  std::uint64_t next = 1;
  const auto fill = [&] {
    for (; next <= 3000 && vp.workers[0]->tasks().free_slots() != 0; ++next) {
      assign_pings(vp, next, 1, 50);
    }
  };
  fill();
  vp.run_for_ms(5);
  vp.order(drain());
  ASSERT_TRUE(vp.run_until([&] {
    fill();
    return next > 3000 && vp.results.size() == 3000;
  }));
  vp.check_laws();
}

// --- limits and keys ----------------------------------------------------------------------------

TEST(WorkerOrders, KeepsToNewLimits) {
  FakeInternet internet;
  Bench vp(internet, {.limits = {.per_destination_pps = 1}});
  for (std::uint64_t id = 1; id <= 50; ++id) vp.assign(ping(id, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until([&] { return vp.results.size() == 1; }));
  vp.run_for_ms(5);
  EXPECT_EQ(vp.results.size(), 1U);
  Order order;
  order.what = Order::What::kLimits;
  order.limits = {};
  vp.order(order);
  vp.assign(ping(51, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until_done());
  vp.check_laws();
}

TEST(WorkerOrders, AcceptsTheKeyOfTheEpochBefore) {
  FakeInternet internet;
  Bench vp(internet);
  Packet asked;
  internet.respond = [&](const Packet& probe) {
    asked = probe;
    return std::vector<Packet>{};
  };
  std::uint64_t id = 0;
  const auto answer_after = [&](const TagKeys& keys) {
    asked.clear();
    vp.assign(ping(++id, "198.51.100.7"));
    vp.run_until([&] { return !asked.empty(); });
    Order order;
    order.what = Order::What::kKeys;
    order.keys = keys;
    vp.order(order);
    vp.round();
    internet.send(testing::make_echo_reply(asked));
    for (int i = 0; i < 3; ++i) vp.round();
  };
  const probes::TagKey before = vp.setup.key;
  const probes::TagKey next = {5, 6};
  answer_after({next, {next, before, next}});
  EXPECT_EQ(vp.count(RxOutcome::kMatched), 1U);
  answer_after({{7, 8}, {{{7, 8}, {7, 8}, {7, 8}}}});
  EXPECT_EQ(vp.count(RxOutcome::kBadTag), 1U) << "two epochs old";
}

}  // namespace
}  // namespace backsight::engine
