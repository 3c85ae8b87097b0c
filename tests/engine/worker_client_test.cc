// Control's end of a worker: what it is given waits for room, and each task ends once, whatever
// ends it.
#include <gtest/gtest.h>

#include "bench.h"

namespace backsight::engine {
namespace {

constexpr std::uint64_t kTasks = 20;

void give_traces(Bench& vp, WorkerClient& client) {
  for (std::uint64_t id = 1; id <= kTasks; ++id) {
    tasks::Task task = trace(id, "198.51.100.7");
    task.src = vp.setup.address;
    client.give({.queued = {task, 1000 + id}, .policy = 1});
  }
}

void run(Bench& vp, WorkerClient& client) {
  for (int round = 0; round < 20'000 && client.ended() < kTasks; ++round) {
    client.feed();
    vp.workers[0]->round();
    vp.internet.step();
    vp.pass_time();
    client.read(32, 0, vp.batch);
  }
}

TEST(WorkerClient, PassesOnAsManyTracesAsAreToBeUnderWay) {
  FakeInternet internet;
  Bench vp(internet, {.traces = 4});
  WorkerClient& client = vp.clients[0];
  give_traces(vp, client);
  EXPECT_EQ(client.waiting(), kTasks);
  EXPECT_TRUE(client.feed());
  EXPECT_EQ(client.waiting(), kTasks - 4);
  EXPECT_FALSE(client.feed());
  run(vp, client);
  EXPECT_EQ(client.ended(), kTasks);
  ASSERT_EQ(vp.traces.size(), kTasks);
  for (const auto& it : vp.traces) EXPECT_EQ(it.hops.size(), 4U) << it.head.task;
}

// Those in the mailbox when the worker is told to stop end without having begun.
TEST(WorkerClient, EndsAllThatItWasGivenWhenTheWorkerStops) {
  FakeInternet internet;
  Bench vp(internet, {.traces = 4});
  WorkerClient& client = vp.clients[0];
  give_traces(vp, client);
  ASSERT_TRUE(client.feed());
  Order drain;
  drain.what = Order::What::kDrain;
  vp.order(drain);
  run(vp, client);
  EXPECT_EQ(client.ended(), kTasks);
  ASSERT_EQ(vp.traces.size(), kTasks) << "and none of them among the probes";
  for (const auto& it : vp.traces) {
    EXPECT_EQ(it.head.reason, tasks::Reason::kStopped);
    EXPECT_TRUE(it.hops.empty());
  }
}

}  // namespace
}  // namespace backsight::engine
