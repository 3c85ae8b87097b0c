// Two workers on a port of one queue: the second one's packets go by the first.
#include <rte_mbuf.h>

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "bench.h"

namespace backsight::engine {
namespace {

using tasks::Outcome;

class OneQueue : public ::testing::Test {
 protected:
  static BenchSetup setup() {
    BenchSetup it;
    it.workers = 2;
    it.queues = 1;
    it.inflight = 8192;
    it.waiting = 4096;
    it.traces = 512;
    return it;
  }
  void assign_pings(std::uint64_t first, std::uint64_t count, unsigned worker) {
    for (std::uint64_t id = first; id < first + count; ++id) {
      tasks::Task task = ping(id, "198.51.100.1");
      task.dst.value += static_cast<std::uint32_t>(id) * 256;
      vp.assign(task, worker);
    }
  }
  FakeInternet internet;
  Bench vp{internet, setup()};
};

TEST_F(OneQueue, IsShared) {
  EXPECT_EQ(vp.port->queue_count(), 1U);
  assign_pings(1, 500, 0);
  assign_pings(1001, 500, 1);
  vp.assign(trace(5000, "203.0.113.9"), 1);
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.results.size(), 1000U);
  for (const auto& it : vp.results) EXPECT_EQ(it.outcome, Outcome::kReplied) << it.task;
  EXPECT_EQ(vp.trace_of(5000).head.outcome, Outcome::kReached);
  EXPECT_GT(vp.counters(1).sent.sum(), 500U);
  vp.check_laws();
}

TEST_F(OneQueue, GivesLargeBurstsOfRepliesToBothWorkers) {
  std::vector<Packet> replies;
  internet.respond = [&](const Packet& probe) {
    for (const Packet& reply : internet.travel(probe)) replies.push_back(reply);
    return std::vector<Packet>{};
  };
  assign_pings(1, 400, 0);
  ASSERT_TRUE(vp.run_until([&] { return replies.size() == 400; }));
  for (const Packet& reply : replies) internet.send(reply);
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_GT(vp.counters(0).received.value(), 0U);
  EXPECT_GT(vp.counters(1).received.value(), 0U);
  EXPECT_EQ(vp.count(RxOutcome::kMatched), 400U);
  vp.check_laws();
}

TEST_F(OneQueue, HoldsBothBackWhenThePortTakesNothing) {
  internet.takes_nothing = true;
  for (int i = 0; i < 4; ++i) {
    assign_pings(1 + 1000ULL * static_cast<unsigned>(i), 700, static_cast<unsigned>(i % 2));
    vp.run_for_ms(2);
  }
  EXPECT_GT(vp.counters(0).transmit_full.value(), 0U);
  internet.takes_nothing = false;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.results.size(), 2800U);
  vp.check_laws();
}

TEST(Handover, FreesWhatIsInsideWhenItEnds) {
  FakeInternet internet;
  Bench vp(internet);
  rte_mempool* const pool = vp.port->queue(0).pool();
  std::array<rte_mbuf*, 20> packets;
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool, packets.data(), packets.size()), 0);
  {
    Handover handover("test");
    EXPECT_EQ(handover.send(std::span(packets).first(12)), 12U);
    EXPECT_EQ(handover.deliver(std::span(packets).subspan(12)), 8U);
    EXPECT_EQ(vp.port->buffers_in_use(), 20U);
  }
  EXPECT_EQ(vp.port->buffers_in_use(), 0U);
}

TEST(Handover, TakesNoMoreThanItHasRoomFor) {
  FakeInternet internet;
  Bench vp(internet);
  std::vector<rte_mbuf*> packets(Handover::kSlots + 10);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(vp.port->queue(0).pool(), packets.data(),
                                   static_cast<unsigned>(packets.size())),
            0);
  {
    Handover handover("test");
    EXPECT_EQ(handover.deliver(packets), Handover::kSlots);
    rte_pktmbuf_free_bulk(&packets[Handover::kSlots], 10);
  }
  EXPECT_EQ(vp.port->buffers_in_use(), 0U);
}

}  // namespace
}  // namespace backsight::engine
