// A traceroute as a script: what is answered, and what it does next.
#include "tracing/trace.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random.h"

namespace backsight::tracing {
namespace {

using probes::Ipv4Addr;
using probes::ReplyType;
using tasks::Outcome;

constexpr std::uint32_t kDestination = 99;

tasks::QueuedTask task_of(std::uint8_t first, std::uint8_t last, std::uint8_t attempts,
                          std::uint8_t gap) {
  tasks::QueuedTask queued;
  queued.task.kind = probes::Kind::kTrace;
  queued.task.dst = {kDestination};
  queued.task.first_ttl = first;
  queued.task.max_ttl = last;
  queued.task.attempts = attempts;
  queued.task.gap_limit = gap;
  return queued;
}

tasks::ReplySummary from(std::uint32_t router, ReplyType type = ReplyType::kTimeExceeded) {
  return {.from = {router}, .type = type};
}

class Script {
 public:
  explicit Script(const tasks::QueuedTask& task) : step(trace.start(task)) {}

  Script& router(std::uint32_t address) { return answer(from(address)); }
  Script& routers(std::initializer_list<std::uint32_t> addresses) {
    for (const std::uint32_t address : addresses) router(address);
    return *this;
  }
  Script& destination() { return answer(from(kDestination, ReplyType::kEchoReply)); }
  Script& unreachable(std::uint32_t address) {
    return answer(from(address, ReplyType::kUnreachable));
  }
  Script& answer(const tasks::ReplySummary& reply) {
    leave();
    step = trace.answered(reply);
    return *this;
  }
  Script& silence(int times = 1) {
    for (int i = 0; i < times; ++i) {
      leave();
      step = trace.timed_out();
    }
    return *this;
  }

  Trace trace;
  Trace::Step step;
  std::vector<Trace::Step> asked;

 private:
  void leave() {
    EXPECT_FALSE(step.is_over);
    EXPECT_EQ(step.ttl, trace.ttl());
    EXPECT_EQ(step.attempt, trace.attempt());
    asked.push_back(step);
  }
};

void expect_over(const Script& script, Outcome outcome) {
  ASSERT_TRUE(script.step.is_over);
  EXPECT_EQ(name(script.step.outcome), name(outcome));
}

TEST(Trace, AsksHopByHopUntilTheDestinationAnswers) {
  Script script(task_of(1, 32, 2, 5));
  EXPECT_EQ(script.step.ttl, 1);
  EXPECT_EQ(script.step.attempt, 1);
  script.router(1).router(2).destination();
  expect_over(script, Outcome::kReached);
  ASSERT_EQ(script.asked.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(script.asked[i].ttl, i + 1);
    EXPECT_EQ(script.asked[i].attempt, 1);
  }
}

TEST(Trace, AsksASilentHopAsOftenAsItMay) {
  Script script(task_of(1, 32, 3, 5));
  script.router(1).silence();
  EXPECT_EQ(script.step.ttl, 2);
  EXPECT_EQ(script.step.attempt, 2);
  script.silence();
  EXPECT_EQ(script.step.attempt, 3);
  script.router(2);
  EXPECT_EQ(script.step.ttl, 3);
  EXPECT_EQ(script.step.attempt, 1);
  ASSERT_EQ(script.asked.size(), 4U);
  EXPECT_EQ(script.asked[3].attempt, 3);
}

TEST(Trace, EndsWhenTooManyHopsInARowAreSilent) {
  Script script(task_of(1, 32, 2, 3));
  script.router(1).silence(4).router(4).silence(6);
  expect_over(script, Outcome::kGapLimit);
  EXPECT_EQ(script.asked.back().ttl, 7);
  EXPECT_EQ(script.asked.size(), 1U + 4 + 1 + 6);
}

TEST(Trace, EndsAtTheLastTtl) {
  Script answered(task_of(1, 3, 2, 5));
  answered.router(1).router(2).router(3);
  expect_over(answered, Outcome::kMaxTtl);
  Script silent(task_of(1, 3, 2, 5));
  silent.router(1).silence(4);
  expect_over(silent, Outcome::kMaxTtl);
}

TEST(Trace, StartsAtItsFirstTtl) {
  Script script(task_of(7, 9, 1, 5));
  EXPECT_EQ(script.step.ttl, 7);
  script.router(7).router(8);
  EXPECT_EQ(script.step.ttl, 9);
  Script single(task_of(255, 255, 1, 5));
  single.router(1);
  expect_over(single, Outcome::kMaxTtl);
}

TEST(Trace, EndsWhenARouterSaysThereIsNoWay) {
  Script script(task_of(1, 32, 2, 5));
  script.router(1).unreachable(2);
  expect_over(script, Outcome::kUnreachable);
  EXPECT_EQ(script.asked.size(), 2U);
}

TEST(Trace, EndsAtAParameterProblem) {
  Script script(task_of(1, 32, 2, 5));
  script.router(1).answer(from(2, ReplyType::kParameterProblem));
  expect_over(script, Outcome::kUnreachable);
}

TEST(Trace, EndsInALoopWhenARowComesBack) {
  Script script(task_of(1, 32, 2, 5));
  script.routers({9, 1, 2, 1});
  EXPECT_FALSE(script.step.is_over) << "an address is no row";
  script.router(2);
  expect_over(script, Outcome::kLoop);
  EXPECT_EQ(script.asked.size(), 5U);
}

TEST(Trace, LetsARowComeBackAsOftenAsItsTaskSays) {
  tasks::QueuedTask task = task_of(1, 32, 2, 5);
  task.task.loop_limit = 3;
  Script patient(task);
  patient.routers({1, 2, 1, 2, 1, 2, 1});
  EXPECT_FALSE(patient.step.is_over);
  patient.router(2);
  expect_over(patient, Outcome::kLoop);
  task.task.loop_limit = 0;
  Script endless(task);
  for (int i = 0; i < 16; ++i) endless.routers({1, 2});
  expect_over(endless, Outcome::kMaxTtl);
}

TEST(Trace, SeesALoopAcrossSilentHops) {
  Script script(task_of(1, 32, 1, 5));
  script.router(1).silence().router(3).router(1).router(2).router(3);
  expect_over(script, Outcome::kLoop);
}

// A router that forwards what has a TTL of 0 shows itself twice.
TEST(Trace, GoesOnWhenAnAddressStandsTwiceInARow) {
  Script script(task_of(1, 32, 1, 5));
  script.router(1).router(2).router(2).silence().router(2).router(3);
  EXPECT_FALSE(script.step.is_over);
  EXPECT_EQ(script.step.ttl, 7);
}

TEST(Trace, PrefersTheDestinationToALoop) {
  Script script(task_of(1, 32, 1, 5));
  script.router(kDestination).router(2).router(kDestination).router(2);
  expect_over(script, Outcome::kLoop);
  script.step = script.trace.start(task_of(1, 32, 1, 5));
  script.router(kDestination).router(2).router(kDestination).destination();
  expect_over(script, Outcome::kReached);
}

TEST(Trace, IsAsNewWhenItStartsAgain) {
  Script script(task_of(1, 32, 1, 2));
  script.router(1).router(2).silence();
  script.step = script.trace.start(task_of(1, 32, 1, 2));
  script.router(2).router(1).silence();
  EXPECT_FALSE(script.step.is_over) << "hops of the trace before are no loop and no silence";
}

// Whatever comes, a trace ends, and has room for all it asked.
TEST(Trace, EndsWithinItsAttemptsWhateverComes) {
  BACKSIGHT_RANDOM(random);
  for (int round = 0; round < 3'000; ++round) {
    const auto attempts = static_cast<std::uint8_t>(1 + random.below(10));
    const auto first = static_cast<std::uint8_t>(1 + random.below(200));
    const std::uint64_t most =
        std::min<std::uint64_t>(tasks::kMaxTraceProbes / attempts, 256U - first);
    const auto last = static_cast<std::uint8_t>(first + random.below(most));
    const std::size_t limit = (last - first + 1U) * attempts;
    Script script(task_of(first, last, attempts, static_cast<std::uint8_t>(1 + random.below(255))));
    while (!script.step.is_over) {
      ASSERT_LT(script.asked.size(), limit);
      const std::uint64_t dice = random.below(100);
      if (dice == 0) {
        script.destination();
      } else if (dice == 1) {
        script.unreachable(5);
      } else if (dice < 60) {
        script.silence();
      } else {
        script.router(static_cast<std::uint32_t>(random.word()));
      }
    }
  }
}

}  // namespace
}  // namespace backsight::tracing
