// A worker whose port is held and goes on: what waits, what ends, and with which reason.
#include <gtest/gtest.h>

#include "bench.h"

namespace backsight::engine {
namespace {

using tasks::Outcome;
using tasks::Reason;

void assign_some(Bench& vp, std::uint64_t first, std::uint64_t count,
                 std::uint32_t timeout_ms = 2000) {
  for (std::uint64_t id = first; id < first + count; ++id) {
    tasks::Task task = id % 4 == 0 ? trace(id, "198.51.100.1") : ping(id, "198.51.100.1");
    task.dst.value += static_cast<std::uint32_t>(id) * 256;
    task.timeout_ms = timeout_ms;
    vp.assign(task);
  }
}

void expect_all(const Bench& vp, Outcome outcome, Reason reason) {
  for (const auto& it : vp.results) {
    EXPECT_EQ(it.outcome, outcome) << it.task;
    EXPECT_EQ(it.reason, reason) << it.task;
  }
  for (const auto& it : vp.traces) {
    EXPECT_EQ(it.head.outcome, outcome) << it.head.task;
    EXPECT_EQ(it.head.reason, reason) << it.head.task;
  }
}

void hold(Bench& vp) {
  vp.port->hold();
  ASSERT_TRUE(vp.run_until([&] { return vp.port->is_free(); }));
}

void resume(Bench& vp) { vp.port->resume({}); }

// Answers nothing, so that what is sent stays under way.
void swallow(FakeInternet& internet) {
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
}

TEST(WorkerLink, SendsNothingThroughAPortThatIsHeldAndAllOfItAfterwards) {
  FakeInternet internet;
  Bench vp(internet);
  hold(vp);
  assign_some(vp, 1, 40);
  vp.run_for_ms(5);
  EXPECT_TRUE(internet.probes.empty());
  EXPECT_TRUE(vp.results.empty());
  EXPECT_EQ(vp.port->interruptions(), 1U);
  resume(vp);
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.counters().results[Outcome::kReplied].value(), 30U);
  EXPECT_EQ(vp.counters().results[Outcome::kReached].value(), 10U);
  vp.check_laws();
}

TEST(WorkerLink, EndsWhatWaitedTooLongForAPortWithTheReason) {
  FakeInternet internet;
  Bench vp(internet, {.step_us = 1000});
  hold(vp);
  assign_some(vp, 1, 40);
  ASSERT_TRUE(vp.run_until_done());
  expect_all(vp, Outcome::kSendFailed, Reason::kLink);
  for (const auto& it : vp.results) EXPECT_EQ(it.sent_at_ns, 0U);
  EXPECT_TRUE(internet.probes.empty());
  vp.check_laws();
}

// Nobody answered a probe, and whether anybody could is not known.
TEST(WorkerLink, CallsNobodySilentWhoseReplyCouldNotCome) {
  FakeInternet internet;
  Bench vp(internet, {.step_us = 1000});
  swallow(internet);
  assign_some(vp, 1, 40, 500);
  ASSERT_TRUE(vp.run_until([&] { return internet.probes.size() >= 40; }));
  hold(vp);
  resume(vp);
  ASSERT_TRUE(vp.run_until_done());
  expect_all(vp, Outcome::kSendFailed, Reason::kLink);
  for (const auto& it : vp.results) EXPECT_NE(it.sent_at_ns, 0U) << "it did leave";
  for (const auto& it : vp.traces) EXPECT_EQ(it.hops.size(), 1U);
  vp.check_laws();
}

TEST(WorkerLink, CallsThoseSilentWhoWereAskedAfterwards) {
  FakeInternet internet;
  Bench vp(internet, {.step_us = 1000});
  swallow(internet);
  hold(vp);
  resume(vp);
  vp.run_for_ms(1);
  for (std::uint64_t id = 1; id <= 20; ++id) {
    tasks::Task task = ping(id, "198.51.100.7");
    task.timeout_ms = 100;
    vp.assign(task);
  }
  ASSERT_TRUE(vp.run_until_done());
  expect_all(vp, Outcome::kTimedOut, Reason::kNone);
  vp.check_laws();
}

TEST(WorkerLink, TakesAReplyThatComesInSpiteOfTheInterruption) {
  FakeInternet internet;
  Bench vp(internet);
  Packet asked;
  internet.respond = [&](const Packet& probe) {
    asked = probe;
    return std::vector<Packet>{};
  };
  vp.assign(ping(1, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until([&] { return !asked.empty(); }));
  hold(vp);
  resume(vp);
  internet.send(testing::make_echo_reply(asked));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kReplied);
  vp.check_laws();
}

TEST(WorkerLink, EndsWhatThePortDidNotAcceptWhenItIsHeld) {
  FakeInternet internet;
  Bench vp(internet, {.wire_slots = 16});
  internet.takes_nothing = true;
  assign_some(vp, 1, 60, 60'000);
  vp.run_for_ms(2);
  const std::uint64_t sent = vp.counters().sent.sum();
  EXPECT_EQ(sent, 16U);
  hold(vp);
  EXPECT_GT(vp.counters().given_up.value(), 0U);
  expect_all(vp, Outcome::kSendFailed, Reason::kLink);
  internet.takes_nothing = false;
  resume(vp);
  ASSERT_TRUE(vp.run_until_done());
  vp.check_laws();
}

TEST(WorkerLink, GivesBackEveryBufferBeforeItLetsGo) {
  FakeInternet internet;
  Bench vp(internet, {.workers = 2, .queues = 1, .wire_slots = 16});
  internet.takes_nothing = true;
  for (std::uint64_t id = 1; id <= 100; ++id) {
    tasks::Task task = ping(id, "198.51.100.1");
    task.timeout_ms = 60'000;
    vp.assign(task, static_cast<unsigned>(id % 2));
  }
  vp.run_for_ms(2);
  vp.port->hold();
  vp.workers[0]->round();
  EXPECT_FALSE(vp.port->is_free()) << "the other worker still has it";
  vp.workers[1]->round();
  EXPECT_TRUE(vp.port->is_free());
  internet.takes_nothing = false;
  resume(vp);
  ASSERT_TRUE(vp.run_until_done());
  vp.check_laws();
}

TEST(WorkerLink, ReadsWhatHadComeWhenThePortIsHeld) {
  FakeInternet internet;
  Bench vp(internet);
  internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
  for (std::uint64_t id = 1; id <= kBurst; ++id) {
    tasks::Task task = ping(id, "198.51.100.1");
    task.dst.value += static_cast<std::uint32_t>(id) * 256;
    vp.assign(task);
  }
  ASSERT_TRUE(vp.run_until([&] { return internet.probes.size() == kBurst; }));
  for (const Packet& probe : internet.probes) internet.send(testing::make_echo_reply(probe));
  internet.step();
  vp.workers[0]->round();  // a whole burst, which is read when the next one was fetched
  EXPECT_EQ(vp.counters().received.value(), kBurst);
  hold(vp);
  vp.read_reports();
  EXPECT_EQ(vp.counters().results[Outcome::kReplied].value(), kBurst);
  resume(vp);
  vp.check_laws();
}

TEST(WorkerLink, AsksForItsNeighboursAnewWhenThePortGoesOn) {
  FakeInternet internet;
  Bench vp(internet, {.knows_gateway = false});
  assign_some(vp, 1, 4);
  ASSERT_TRUE(vp.run_until_done());
  const std::size_t asked = internet.arp.size();
  hold(vp);
  vp.run_for_ms(15);
  EXPECT_EQ(internet.arp.size(), asked) << "not while it is held";
  internet.answers_arp = false;
  resume(vp);
  assign_some(vp, 5, 4);
  ASSERT_TRUE(vp.run_until([&] { return internet.arp.size() > asked; }));
  EXPECT_FALSE(vp.port->neighbours().gateway_is_known());
  const std::size_t sent = internet.probes.size();
  vp.run_for_ms(30);
  EXPECT_EQ(internet.probes.size(), sent) << "nothing goes to an address of before";
  internet.send_frame(vp.site, make_arp(2, vp.site.mac, FakeInternet::kGatewayMac,
                                        FakeInternet::kGateway, vp.site.mac, vp.setup.address));
  ASSERT_TRUE(vp.run_until_done());
  vp.check_laws();
}

TEST(WorkerLink, EndsEachTaskOnceHoweverOftenThePortIsHeld) {
  FakeInternet internet;
  Bench vp(internet, {.workers = 2, .step_us = 200, .wire_slots = 64, .traces = 1024});
  std::uint64_t next = 1;
  for (int i = 0; i < 50; ++i) {
    for (; next % 40 != 0; ++next) {
      tasks::Task task = next % 4 == 0 ? trace(next, "198.51.100.7") : ping(next, "198.51.100.7");
      task.dst.value += static_cast<std::uint32_t>(next) * 256;
      task.timeout_ms = 20;
      if (vp.workers[next % 2]->tasks().free_slots() != 0) vp.assign(task, next % 2);
    }
    ++next;
    internet.takes_nothing = i % 3 == 0;
    vp.run_for_ms(1);
    vp.port->hold();
    vp.round();
    ASSERT_TRUE(vp.port->is_free());
    resume(vp);
    // Held again before anybody saw that it went on.
    vp.port->hold();
    ASSERT_TRUE(vp.run_until([&] { return vp.port->is_free(); }));
    resume(vp);
  }
  internet.takes_nothing = false;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.port->interruptions(), 100U);
  vp.check_laws();
}

}  // namespace
}  // namespace backsight::engine
