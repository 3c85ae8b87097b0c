// A worker in its stride takes nothing from the heap. This program counts every allocation.
#include <rte_cycles.h>

#include <gtest/gtest.h>

#include "bench.h"
#include "tests/support/heap_counter.h"

namespace backsight::engine {
namespace {

using testing::heap_allocations;

TEST(WorkerHeap, IsSeenByTheCounter) {
  const std::size_t before = heap_allocations();
  const std::vector<int> memory(10);
  EXPECT_GT(heap_allocations(), before);
}

// Pings, routes, timestamps and traces by each method; answers, silence, errors, forgeries, ARP and
// pings to us; tasks held back by limits; new limits and keys. All but the first moments is
// counted.
TEST(WorkerHeap, IsNotUsedByRounds) {
  FakeInternet internet;
  internet.path.silent = {ip("10.0.0.2")};
  Bench vp(internet, {.step_us = 100,
                      .knows_gateway = false,
                      .limits = {.options_pps = 200'000,
                                 .per_destination_pps = 2'000,
                                 .per_prefix24_pps = 100'000,
                                 .per_source_pps = 100'000},
                      .places = 256,
                      .waiting = 256,
                      .traces = 256});
  std::size_t allocations = 0;
  std::uint64_t next = 1;
  std::uint64_t rounds = 0;
  const std::array<const char*, 5> destinations = {"198.51.100.7", "198.51.100.8", "203.0.113.9",
                                                   "203.0.113.200", "192.0.2.200"};
  internet.paths[ip("203.0.113.200")].has_host = false;
  while (vp.results.size() + vp.traces.size() < 5'000) {
    ASSERT_LT(rounds, 5'000'000U);
    while (next < vp.results.size() + vp.traces.size() + 200) {
      tasks::Task task = ping(next, destinations[next % destinations.size()]);
      task.kind = static_cast<probes::Kind>(next % 4);
      task.method = static_cast<probes::TraceMethod>(next / 4 % 3);
      task.timeout_ms = 5;
      task.gap_limit = 2;
      const bool is_spoofed = task.kind == probes::Kind::kRecordRoute && next % 8 == 1;
      if (is_spoofed) task.src = vp.setup.address;
      vp.assign(task, 0, is_spoofed);
      ++next;
    }
    if (rounds % 500 == 0) {
      Order order;
      order.what = rounds % 1000 == 0 ? Order::What::kLimits : Order::What::kKeys;
      order.limits = vp.setup.limits;
      order.keys = {vp.setup.key, {vp.setup.key, vp.setup.key, vp.setup.key}};
      vp.order(order);
    }
    if (rounds % 100 == 0) {
      internet.send_frame(vp.site, make_arp(1, probes::kBroadcastMac, FakeInternet::kGatewayMac,
                                            FakeInternet::kGateway, {}, vp.setup.address));
    }
    const std::size_t before = heap_allocations();
    vp.workers[0]->round();
    allocations += heap_allocations() - before;
    internet.step();
    vp.pass_time();
    vp.read_reports();
    ++rounds;
  }
  EXPECT_EQ(allocations, 0U);
  EXPECT_GT(vp.observations.size(), 0U);
  for (const tasks::Outcome outcome :
       {tasks::Outcome::kReplied, tasks::Outcome::kTimedOut, tasks::Outcome::kSent,
        tasks::Outcome::kSendFailed, tasks::Outcome::kReached, tasks::Outcome::kGapLimit}) {
    EXPECT_GT(vp.counters().results[outcome].value(), 0U) << name(outcome);
  }
  ASSERT_TRUE(vp.run_until_done());
}

}  // namespace
}  // namespace backsight::engine
