// Traceroutes in parts: what they are put together to, and how the prober asks for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "controller/probing/prober.h"
#include "controller/probing/trace_parts.h"
#include "tasks/task.h"

namespace backsight::controller {
namespace {

using probes::Ipv4Addr;
using tasks::Outcome;
using testing::ElementsAre;

constexpr std::uint8_t kGap = 4;
constexpr Ipv4Addr kDestination{0xc6336407};

// A path of routers 10.0.0.1, 10.0.0.2 and so on, then the destination; or no destination.
struct Way {
  std::uint8_t routers = 0;
  std::vector<std::uint8_t> silent;  // TTLs
  bool has_destination = true;

  [[nodiscard]] tasks::TraceResult part(std::size_t number) const {
    tasks::TraceResult result;
    result.head.kind = probes::Kind::kTrace;
    result.head.dst = kDestination;
    result.head.sent_at_ns = 1000 - number;
    result.head.outcome = Outcome::kMaxTtl;
    unsigned in_a_row = 0;
    for (unsigned ttl = kTraceParts[number].first; ttl <= kTraceParts[number].last; ++ttl) {
      tasks::Hop hop;
      hop.ttl = static_cast<std::uint8_t>(ttl);
      hop.attempt = 1;
      const bool is_end = ttl > routers;
      hop.has_reply = is_end ? has_destination : std::ranges::count(silent, hop.ttl) == 0;
      if (hop.has_reply) hop.reply.from = is_end ? kDestination : Ipv4Addr{0x0a000000 + ttl};
      in_a_row = hop.has_reply ? 0 : in_a_row + 1;
      result.hops.push_back(hop);
      if (is_end && has_destination) {
        result.head.outcome = Outcome::kReached;
        result.head.reply.from = kDestination;
        break;
      }
      if (in_a_row == kGap) {
        result.head.outcome = Outcome::kGapLimit;
        break;
      }
    }
    return result;
  }

  [[nodiscard]] tasks::TraceResult whole() const {
    TraceParts parts;
    for (std::size_t i = kTraceParts.size(); i-- > 0;) {
      EXPECT_FALSE(parts.are_all_there());
      parts.take(i, part(i));
    }
    EXPECT_TRUE(parts.are_all_there());
    return parts.whole(kGap);
  }
};

std::vector<unsigned> ttls_of(const tasks::TraceResult& trace) {
  std::vector<unsigned> ttls;
  for (const auto& hop : trace.hops) ttls.push_back(hop.ttl);
  return ttls;
}

TEST(TraceParts, CoverEveryTtlOnce) {
  unsigned next = 1;
  for (const TtlRange& range : kTraceParts) {
    EXPECT_EQ(range.first, next);
    EXPECT_LE(range.first, range.last);
    next = range.last + 1U;
  }
  EXPECT_EQ(next, tasks::Task{}.max_ttl + 1U);
}

TEST(TraceParts, AreTheTraceThatOneWouldHaveBeen) {
  for (unsigned routers = 0; routers < 32; ++routers) {
    const auto whole = Way{static_cast<std::uint8_t>(routers), {}, true}.whole();
    EXPECT_EQ(whole.head.outcome, Outcome::kReached);
    EXPECT_EQ(whole.head.reply.from, kDestination);
    ASSERT_EQ(whole.hops.size(), routers + 1);
    for (unsigned i = 0; i < routers; ++i) {
      EXPECT_EQ(whole.hops[i].ttl, i + 1);
      EXPECT_EQ(whole.hops[i].reply.from, Ipv4Addr{0x0a000001 + i});
    }
  }
}

TEST(TraceParts, AreReachedBehindMoreSilentHopsThanEndATrace) {
  const auto whole = Way{14, {5, 6, 7, 8, 9, 10}, true}.whole();
  EXPECT_EQ(whole.head.outcome, Outcome::kReached);
  EXPECT_EQ(whole.hops.size(), 15U);
}

TEST(TraceParts, EndInAGapBehindTheLastAnswer) {
  const auto whole = Way{2, {}, false}.whole();
  EXPECT_EQ(whole.head.outcome, Outcome::kGapLimit);
  EXPECT_THAT(ttls_of(whole), ElementsAre(1, 2, 3, 4, 5, 6));
  const auto dead = Way{0, {}, false}.whole();
  EXPECT_EQ(dead.head.outcome, Outcome::kGapLimit);
  EXPECT_THAT(ttls_of(dead), ElementsAre(1, 2, 3, 4));
}

TEST(TraceParts, EndAtTheLastTtlWhenItsRouterAnswers) {
  const auto whole = Way{40, {}, true}.whole();
  EXPECT_EQ(whole.head.outcome, Outcome::kMaxTtl);
  EXPECT_EQ(whole.hops.size(), 32U);
}

TEST(TraceParts, EndAtTheFirstWhoRefusesOrALoop) {
  for (const Outcome outcome : {Outcome::kUnreachable, Outcome::kLoop}) {
    TraceParts parts;
    const Way way{20, {}, true};
    for (std::size_t i = 0; i < kTraceParts.size(); ++i) {
      auto part = way.part(i);
      if (i == 1 || i == 2) part.head.outcome = outcome;
      parts.take(i, part);
    }
    const auto whole = parts.whole(kGap);
    EXPECT_EQ(whole.head.outcome, outcome);
    EXPECT_EQ(whole.hops.size(), kTraceParts[1].last);
  }
}

// Three routers in a circle: each part sees too little of it.
TEST(TraceParts, EndInALoopThatNoneOfThemSaw) {
  TraceParts parts;
  for (std::size_t i = 0; i < kTraceParts.size(); ++i) {
    auto part = Way{40, {}, false}.part(i);
    for (auto& hop : part.hops) hop.reply.from = Ipv4Addr{0x0a000000U + hop.ttl % 3U};
    parts.take(i, part);
  }
  const auto whole = parts.whole(kGap);
  EXPECT_EQ(whole.head.outcome, Outcome::kLoop);
  EXPECT_EQ(whole.hops.size(), 6U);
}

TEST(TraceParts, BeginWhenTheFirstOfThemWasSent) {
  // Way says that the later parts were sent earlier.
  EXPECT_EQ((Way{8, {}, true}.whole().head.sent_at_ns), 998U);
}

TEST(TraceParts, FailWhenOneWasNotSent) {
  TraceParts parts;
  for (std::size_t i = 0; i < kTraceParts.size(); ++i) {
    auto part = Way{3, {}, true}.part(i);
    if (i == 4) part.head.outcome = Outcome::kRefused, part.head.reason = tasks::Reason::kDenied;
    parts.take(i, part);
  }
  EXPECT_EQ(parts.whole(kGap).head.outcome, Outcome::kRefused);
  EXPECT_EQ(parts.whole(kGap).head.reason, tasks::Reason::kDenied);
}

TEST(TraceParts, CountEveryAttempt) {
  TraceParts parts;
  const Way way{4, {}, true};
  for (std::size_t i = 0; i < kTraceParts.size(); ++i) parts.take(i, way.part(i));
  EXPECT_EQ(parts.packets(), 3U + 2U + 5U);
}

// --- the prober ----------------------------------------------------------------------------------

class SplitTraces : public testing::Test {
 protected:
  Asked ask(Priority priority) {
    return prober.ask({.sender = 0,
                       .receiver = 0,
                       .kind = probes::Kind::kTrace,
                       .src = Ipv4Addr{0xc6120001},
                       .dst = kDestination,
                       .priority = priority,
                       .waiter = 7},
                      now);
  }
  std::vector<tasks::Task> sent() {
    std::vector<Prober::Outgoing> out;
    prober.advance(now, out);
    std::vector<tasks::Task> tasks;
    for (const auto& it : out) tasks.push_back(it.task);
    return tasks;
  }
  void answer(const tasks::Task& task, const Way& way) {
    const auto part = std::ranges::find(kTraceParts, task.first_ttl, &TtlRange::first);
    auto result = way.part(static_cast<std::size_t>(part - kTraceParts.begin()));
    result.head.task = task.id;
    prober.on_trace(0, result, now);
  }

  Now now{kSecond, 1};
  Prober prober{{}, 100};
};

TEST_F(SplitTraces, AskAllPartsAtOnceWithNumbersOfTheirOwn) {
  const Asked asked = ask(Priority::kMeasurement);
  const auto tasks = sent();
  ASSERT_EQ(tasks.size(), kTraceParts.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_EQ(tasks[i].id, asked.answer->id + i);
    EXPECT_EQ(tasks[i].first_ttl, kTraceParts[i].first);
    EXPECT_EQ(tasks[i].max_ttl, kTraceParts[i].last);
    EXPECT_EQ(tasks[i].flow, tasks[0].flow);
    EXPECT_FALSE(tasks::task_fault(tasks[i]));
  }
  EXPECT_EQ(prober.next_id(), 100 + kTraceParts.size());
}

TEST_F(SplitTraces, AreOneAnswerWhateverTheOrder) {
  const Asked asked = ask(Priority::kMeasurement);
  auto tasks = sent();
  std::ranges::reverse(tasks);
  for (const auto& task : tasks) {
    EXPECT_FALSE(asked.answer->has_ended());
    answer(task, {5, {}, true});
  }
  EXPECT_EQ(asked.answer->state, Answer::State::kAnswered);
  EXPECT_EQ(asked.answer->hops.size(), 6U);
  EXPECT_EQ(asked.answer->packets, 3U + 3U + 5U);
  const auto news = prober.take_news();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].waiter, 7U);
  EXPECT_EQ(prober.take_ended().size(), 1U);
}

TEST_F(SplitTraces, LookAtNoPartTwice) {
  const Asked asked = ask(Priority::kMeasurement);
  const auto tasks = sent();
  for (int i = 0; i < 20; ++i) answer(tasks[0], {5, {}, true});
  EXPECT_FALSE(asked.answer->has_ended());
  EXPECT_EQ(prober.figures().duplicates, 19U);
  for (const auto& task : tasks) answer(task, {5, {}, true});
  EXPECT_TRUE(asked.answer->has_ended());
  answer(tasks[3], {5, {}, true});
  EXPECT_EQ(prober.figures().duplicates, 21U);
}

TEST_F(SplitTraces, EndOnceWhenTheirVantagePointIsLost) {
  const Asked asked = ask(Priority::kMeasurement);
  answer(sent()[0], {5, {}, true});
  prober.on_vp_lost(0, now);
  EXPECT_EQ(asked.answer->state, Answer::State::kFailed);
  EXPECT_EQ(prober.take_ended().size(), 1U);
  EXPECT_EQ(prober.figures().failed, 1U);
}

TEST_F(SplitTraces, FailWhenAPartNeverComes) {
  const Asked asked = ask(Priority::kMeasurement);
  const auto tasks = sent();
  for (std::size_t i = 1; i < tasks.size(); ++i) answer(tasks[i], {5, {}, true});
  for (int i = 0; i < 200; ++i) {
    now.steady += kSecond;
    (void)sent();
  }
  EXPECT_EQ(asked.answer->state, Answer::State::kFailed);
  EXPECT_EQ(prober.take_ended().size(), 1U);
  answer(tasks[0], {5, {}, true});
  EXPECT_EQ(prober.take_ended().size(), 0U);
}

TEST_F(SplitTraces, AreNotAskedInTheBackground) {
  (void)ask(Priority::kBackground);
  EXPECT_EQ(sent().size(), 1U);
  // Nor anew for a measurement that asks the same.
  EXPECT_FALSE(ask(Priority::kMeasurement).is_new);
  EXPECT_EQ(sent().size(), 0U);
}

}  // namespace
}  // namespace backsight::controller
