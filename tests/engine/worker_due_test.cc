// When a worker has to be looked at again, if nothing comes before: told, and no sooner or later.
#include <gtest/gtest.h>

#include "bench.h"
#include "tests/support/random.h"

namespace backsight::engine {
namespace {

using tasks::Outcome;

// Rounds of the worker alone, until one does nothing.
void settle(Bench& vp) {
  while (vp.workers[0]->round()) vp.read_reports();
  vp.read_reports();
}

std::optional<Tsc> due(Bench& vp) {
  settle(vp);
  return vp.workers[0]->next_due();
}

TEST(WorkerDue, IsNeverWhileNothingIsUnderWay) {
  FakeInternet internet;
  Bench vp(internet);
  EXPECT_FALSE(due(vp));
}

TEST(WorkerDue, IsWhenAProbeTimesOut) {
  FakeInternet internet;
  Bench vp(internet);
  const Tsc sent = vp.now;
  tasks::Task task = ping(1, "198.51.100.7");
  task.timeout_ms = 250;
  vp.assign(task);
  EXPECT_EQ(due(vp), sent + vp.clock.from_ms(250));
  vp.now = sent + vp.clock.from_ms(250);
  EXPECT_FALSE(due(vp));
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kTimedOut);
}

TEST(WorkerDue, IsWhenALimitLetsTheNextProbeGo) {
  FakeInternet internet;
  Bench vp(internet, {.limits = {.per_destination_pps = 10}});
  const Tsc first = vp.now;
  for (std::uint64_t id = 1; id <= 2; ++id) vp.assign(ping(id, "198.51.100.7"));
  const auto next = due(vp);
  EXPECT_EQ(vp.counters().crafted.value(), 1U);
  // A hundred milliseconds later, but for the delay that is made up for.
  ASSERT_TRUE(next && *next > first && *next <= first + vp.clock.from_ms(100));
  vp.now = {next->ticks - 1};
  settle(vp);
  EXPECT_EQ(vp.counters().crafted.value(), 1U) << "sooner than it was told";
  vp.now = *next;
  settle(vp);
  EXPECT_EQ(vp.counters().crafted.value(), 2U);
}

TEST(WorkerDue, IsWhenTheTotalRateHasOneMore) {
  FakeInternet internet;
  Bench vp(internet, {.rate_pps = 100});
  const Tsc first = vp.now;
  for (std::uint64_t id = 1; id <= 3; ++id) vp.assign(ping(id, "198.51.100.7"));
  for (std::uint64_t sent = 1; sent <= 3; ++sent) {
    const auto next = due(vp);
    ASSERT_EQ(vp.counters().crafted.value(), sent);
    if (sent == 3) break;
    // 110% of the rate at the most, and the average.
    ASSERT_TRUE(next && *next > vp.now && *next <= first + vp.clock.from_ms(10 * sent));
    vp.now = {next->ticks - 1};
    settle(vp);
    EXPECT_EQ(vp.counters().crafted.value(), sent) << "sooner than it was told";
    vp.now = *next;
  }
}

TEST(WorkerDue, IsWhenWhatWasPutOffIsTriedAgain) {
  FakeInternet internet;
  Bench vp(internet, {.knows_gateway = false});
  const Tsc asked = vp.now;
  vp.assign(ping(1, "198.51.100.7"));
  EXPECT_EQ(due(vp), asked + vp.clock.from_ms(20));
}

// Looked at only when something comes or is due, a worker ends all it was given.
TEST(WorkerDue, LeavesNothingUndoneWhateverTheNetworkDoes) {
  BACKSIGHT_RANDOM(random);
  FakeInternet internet;
  internet.path.silent = {ip("10.0.0.2")};
  internet.respond = [&](const Packet& probe) {
    return random.one_in(5) ? std::vector<Packet>() : internet.travel(probe);
  };
  Bench vp(internet,
           {.rate_pps = 2'000, .limits = {.per_destination_pps = 200, .per_prefix24_pps = 1'000}});
  for (std::uint64_t id = 1; id <= 200; ++id) {
    tasks::Task task = id % 4 == 0 ? trace(id, "198.51.100.7") : ping(id, "203.0.113.9");
    task.timeout_ms = static_cast<std::uint32_t>(1 + random.below(50));
    vp.assign(task);
  }
  while (vp.results.size() + vp.traces.size() < vp.assigned) {
    settle(vp);
    if (!internet.is_idle()) {
      internet.step();
      vp.pass_time();
      continue;
    }
    internet.step();
    if (!internet.is_idle()) continue;
    const auto next = due(vp);
    if (vp.results.size() + vp.traces.size() == vp.assigned) break;
    ASSERT_TRUE(next) << "something is under way";
    ASSERT_GT(*next, vp.now) << "it would be looked at for ever";
    vp.now = *next;
  }
  vp.check_laws();
}

}  // namespace
}  // namespace backsight::engine
