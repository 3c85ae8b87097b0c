// What of a worker's tasks waits and for what, which of them leaves now, and how those end that may
// not. No port, no DPDK, no clock: the test moves time.
#include "engine/worker/waiting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "worker_parts.h"

namespace backsight::engine {
namespace {

using tasks::Outcome;
using tasks::Reason;
using testing::ElementsAre;
using Ids = std::vector<std::uint64_t>;

class WaitingTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kSingles = 128;
  static constexpr std::uint32_t kSlots = 1024;

  static WorkerSetup setup(const ScheduleLimits& limits) {
    WorkerSetup it;
    it.engine.waiting = kSingles;
    it.limits = limits;
    it.places = 4096;
    return it;
  }
  void use(const ScheduleLimits& limits, std::uint64_t rate_pps = 10'000'000) {
    total.set_rate(rate_pps, parts.clock.hz(), parts.now);
    waiting.emplace(setup(limits), parts.around, total, parts.traces, parts.ends);
  }
  void SetUp() override { use({}); }

  void give(const tasks::Task& task, std::uint32_t policy = 1, bool is_spoofed = false) {
    ASSERT_TRUE(waiting->mailbox().try_push(
        {.queued = {task, 1000 + task.id}, .policy = policy, .port = 0, .is_spoofed = is_spoofed}));
  }
  void give_pings(std::uint64_t first, std::uint64_t last, Ipv4Addr destination) {
    for (std::uint64_t id = first; id <= last; ++id) give(ping_to(id, destination));
  }
  static tasks::Task trace_to(std::uint64_t id, Ipv4Addr destination) {
    tasks::Task task = ping_to(id, destination);
    task.kind = probes::Kind::kTrace;
    return task;
  }
  static Ids ids_of(const Selection& selection) {
    Ids ids;
    for (const Chosen& it : selection.chosen()) ids.push_back(it.queued->task.id);
    return ids;
  }
  // A round's part of it: the ids of what leaves. What leaves first is one probe: no time has
  // passed that the total rate would grant more for.
  Ids round(std::uint32_t slots = kSlots) {
    waiting->gather(parts.now);
    Selection selection;
    waiting->choose(parts.now, slots, selection);
    const Ids ids = ids_of(selection);
    for (const Chosen& it : selection.chosen()) {
      if (it.item.is_trace()) under_way.push_back(it.item.index());
    }
    waiting->release(selection);
    return ids;
  }
  // All that may leave now: rounds of a microsecond, until one lets nothing go.
  Ids leave(std::uint32_t slots = kSlots) {
    Ids all;
    for (;; parts.now = parts.now + TscSpan{kTicksPerUs}) {
      const Ids ids = round(slots - static_cast<std::uint32_t>(all.size()));
      all.insert(all.end(), ids.begin(), ids.end());
      if (ids.empty() || all.size() == slots) return all;
    }
  }
  // All that leaves in so many milliseconds, a round each.
  Ids leave_for_ms(std::uint64_t ms) {
    Ids all;
    for (; ms > 0; --ms, parts.pass_ms(1)) {
      const Ids ids = round();
      all.insert(all.end(), ids.begin(), ids.end());
    }
    return all;
  }
  // The neighbour answers who asked for it.
  void answer_arp(Ipv4Addr neighbour) {
    std::array<Neighbours::Question, 16> questions;
    ASSERT_NE(parts.neighbours.due(parts.now, questions), 0U);
    parts.neighbours.hear({.is_request = false,
                           .sender_mac = {{0x02, 0, 0, 0, 0, 0x0d}},
                           .sender = neighbour,
                           .target_mac = WorkerParts::kMac,
                           .target = WorkerParts::kOwn},
                          parts.now);
  }
  // Each task that ended with its reason, once.
  std::map<std::uint64_t, Reason> failed() {
    std::map<std::uint64_t, Reason> reasons;
    for (const ReportHead& it : parts.told()) {
      EXPECT_EQ(it.outcome, Outcome::kSendFailed) << it.task;
      EXPECT_TRUE(reasons.emplace(it.task, it.reason).second) << it.task << " ended twice";
    }
    return reasons;
  }
  static SendPolicy policy(std::uint32_t number, const char* denied) {
    const auto prefix = *probes::parse_prefix(denied);
    return {number, config::BogonPolicy(true, {}), config::PrefixSet({&prefix, 1}), {}};
  }

  WorkerParts parts;
  TotalRate total{1, kTicksPerSecond};
  std::optional<Waiting> waiting;
  std::vector<std::uint32_t> under_way;  // traces whose attempt left
};

TEST_F(WaitingTest, LetsWhatNoLimitHoldsLeaveInTheOrderItCame) {
  give_pings(1, 5, WorkerParts::kFar);
  EXPECT_EQ(leave(), (Ids{1, 2, 3, 4, 5}));
  EXPECT_TRUE(waiting->is_empty());
  EXPECT_EQ(parts.counters.tasks.value(), 5U);
}

TEST_F(WaitingTest, LeavesWhatItChoseInTheMailboxUntilItIsReleased) {
  tasks::Task task = ping_to(1, WorkerParts::kFar);
  task.ttl = 17;
  give(task);
  Selection selection;
  EXPECT_TRUE(waiting->choose(parts.now, kSlots, selection));
  ASSERT_EQ(ids_of(selection), (Ids{1}));
  const Chosen& chosen = selection.chosen()[0];
  EXPECT_EQ(chosen.item, Item::direct());
  EXPECT_EQ(chosen.queued, &waiting->mailbox().front(0).queued);
  EXPECT_EQ(chosen.ttl, 17U);
  EXPECT_EQ(Neighbours::unpack_mac(chosen.next_hop), WorkerParts::kGatewayMac);
  EXPECT_FALSE(waiting->is_empty());
  waiting->release(selection);
  EXPECT_TRUE(waiting->is_empty());
}

TEST_F(WaitingTest, LetsNoMoreLeaveThanThereAreSlots) {
  give_pings(1, 5, WorkerParts::kFar);
  EXPECT_EQ(leave(2), (Ids{1, 2}));
  EXPECT_EQ(leave(0), Ids{});
  EXPECT_EQ(parts.counters.inflight_full.value(), 1U);
  EXPECT_EQ(leave(2), (Ids{3, 4}));
  EXPECT_EQ(leave(2), (Ids{5}));
}

TEST_F(WaitingTest, LetsNoMoreLeaveThanTheTotalRateGrants) {
  use({}, 100);
  give_pings(1, 5, WorkerParts::kFar);
  EXPECT_EQ(leave(), (Ids{1}));
  EXPECT_EQ(leave(), Ids{});
  const auto due = waiting->next_due(parts.now, true);
  ASSERT_TRUE(due && *due > parts.now);
  parts.now = {due->ticks - 1};
  EXPECT_EQ(leave(), Ids{});
  parts.now = *due;
  EXPECT_EQ(leave(), (Ids{2}));
}

TEST_F(WaitingTest, HoldsWhatALimitHoldsAndLetsOthersPass) {
  use({.per_destination_pps = 10});
  give_pings(1, 3, WorkerParts::kFar);
  give(ping_to(4, address_of("203.0.113.9")));
  Ids now = leave();
  std::ranges::sort(now);
  EXPECT_EQ(now, (Ids{1, 4}));
  EXPECT_EQ(waiting->size(), 2U);
  EXPECT_EQ(leave_for_ms(99), Ids{});
  EXPECT_EQ(leave_for_ms(2), (Ids{2}));
  EXPECT_EQ(leave_for_ms(100), (Ids{3}));
  EXPECT_TRUE(waiting->is_empty());
}

// No single is lost: far more tasks go through them than there are.
TEST_F(WaitingTest, UsesEachPlaceAgain) {
  use({.per_destination_pps = 1'000'000});
  std::uint64_t next = 1;
  std::set<std::uint64_t> left;
  while (left.size() < 20 * kSingles) {
    while (next <= 20 * kSingles && waiting->mailbox().free_slots() != 0) {
      give(ping_to(next++, WorkerParts::kFar));
    }
    for (const std::uint64_t id : leave_for_ms(1)) EXPECT_TRUE(left.insert(id).second) << id;
  }
  EXPECT_TRUE(waiting->is_empty());
}

TEST_F(WaitingTest, LetsATraceLeaveWhenItsTurnHasCome) {
  give(trace_to(1, WorkerParts::kFar));
  EXPECT_EQ(leave(), (Ids{1}));
  ASSERT_THAT(under_way, ElementsAre(0U));
  EXPECT_EQ(leave(), Ids{}) << "its attempt is under way";
  parts.traces.timed_out(0, parts.now);
  EXPECT_EQ(leave(), (Ids{1}));
  parts.traces.answered(
      {.has_reply = true,
       .sent = parts.now,
       .reply = {.from = address_of("10.0.0.1"), .type = probes::ReplyType::kTimeExceeded},
       .trace = 0});
  waiting->gather(parts.now);
  Selection selection;
  waiting->choose(parts.now, kSlots, selection);
  ASSERT_EQ(ids_of(selection), (Ids{1}));
  EXPECT_EQ(selection.chosen()[0].item, Item::trace(0));
  EXPECT_EQ(selection.chosen()[0].ttl, 2U) << "the next hop";
  waiting->release(selection);
}

// Traces under way do not starve new tasks, nor those them.
TEST_F(WaitingTest, SharesWhatThereIsBetweenTracesAndNewTasks) {
  use({}, 1'000'000);
  for (std::uint64_t id = 1; id <= WorkerParts::kTraces; ++id)
    give(trace_to(id, WorkerParts::kFar));
  EXPECT_EQ(leave().size(), WorkerParts::kTraces);
  for (const std::uint32_t trace : under_way) parts.traces.timed_out(trace, parts.now);
  give_pings(101, 100 + kBurst, WorkerParts::kFar);
  EXPECT_EQ(round(1).size(), 1U);
  parts.pass_ms(1);
  const Ids ids = round(8);
  EXPECT_EQ(ids.size(), 8U);
  EXPECT_EQ(std::ranges::count_if(ids, [](std::uint64_t id) { return id > 100; }), 4);
}

TEST_F(WaitingTest, PutsOffWhatsNextHopIsAskedFor) {
  const Tsc asked = parts.now;
  give(ping_to(1, WorkerParts::kOnLink));
  give(ping_to(2, WorkerParts::kFar));
  EXPECT_EQ(leave(), (Ids{2}));
  EXPECT_EQ(waiting->size(), 1U);
  const auto due = waiting->next_due(parts.now, true);
  ASSERT_TRUE(due);
  EXPECT_EQ(*due, asked + parts.clock.from_ms(20));
  answer_arp(WorkerParts::kOnLink);
  EXPECT_EQ(leave(), Ids{}) << "it is tried again when it is time";
  parts.now = *due;
  EXPECT_EQ(leave(), (Ids{1}));
  EXPECT_TRUE(parts.told().empty());
}

TEST_F(WaitingTest, WaitsForAPortThatIsHeldButNotForEver) {
  parts.lanes[0].is_held = true;
  parts.lanes[0].held_since = parts.now;
  give(ping_to(1, WorkerParts::kFar));
  give(trace_to(2, WorkerParts::kFar));
  EXPECT_EQ(leave_for_ms(4'990), Ids{});
  EXPECT_TRUE(failed().empty());
  EXPECT_EQ(leave_for_ms(40), Ids{});
  EXPECT_EQ(failed(), (std::map<std::uint64_t, Reason>{{1, Reason::kLink}, {2, Reason::kLink}}));
  EXPECT_TRUE(waiting->is_empty());
  EXPECT_EQ(parts.traces.under_way(), 0U);
}

TEST_F(WaitingTest, AsksOtherListsOfWhatWaited) {
  use({.per_destination_pps = 10});
  const SendPolicy before = policy(1, "203.0.113.0/24");
  const SendPolicy after = policy(2, "198.51.100.0/24");
  EXPECT_TRUE(waiting->follow(&before));
  EXPECT_FALSE(waiting->follow(&before));
  give_pings(1, 2, WorkerParts::kFar);
  give(ping_to(3, address_of("203.0.113.9")), 2);
  Ids now = leave();
  // The third was admitted under other lists, which those in force now do not allow.
  EXPECT_EQ(now, (Ids{1}));
  EXPECT_EQ(failed(), (std::map<std::uint64_t, Reason>{{3, Reason::kDenied}}));
  EXPECT_TRUE(waiting->follow(&after));
  EXPECT_EQ(leave_for_ms(200), Ids{});
  EXPECT_EQ(failed(), (std::map<std::uint64_t, Reason>{{2, Reason::kDenied}}));
  EXPECT_TRUE(waiting->is_empty());
}

TEST_F(WaitingTest, AsksOtherListsOfATraceThatIsUnderWay) {
  const SendPolicy after = policy(2, "198.51.100.0/24");
  give(trace_to(1, WorkerParts::kFar));
  ASSERT_EQ(leave(), (Ids{1}));
  waiting->follow(&after);
  parts.traces.timed_out(under_way[0], parts.now);
  EXPECT_EQ(leave(), Ids{});
  EXPECT_EQ(failed(), (std::map<std::uint64_t, Reason>{{1, Reason::kDenied}}));
  EXPECT_EQ(parts.traces.under_way(), 0U);
}

// What control has asked already is not asked again.
TEST_F(WaitingTest, BelievesTheListsThatAdmitted) {
  const SendPolicy in_force = policy(1, "198.51.100.0/24");
  waiting->follow(&in_force);
  give(ping_to(1, WorkerParts::kFar), 1);
  give(ping_to(2, WorkerParts::kFar), 0);
  EXPECT_EQ(leave(), (Ids{1}));
  EXPECT_EQ(failed(), (std::map<std::uint64_t, Reason>{{2, Reason::kDenied}}));
}

TEST_F(WaitingTest, TakesBackWhatCannotLeaveNow) {
  use({}, 1'000);
  give_pings(1, 2, WorkerParts::kFar);
  Selection selection;
  ASSERT_TRUE(waiting->choose(parts.now, kSlots, selection));
  ASSERT_EQ(ids_of(selection), (Ids{1}));
  waiting->take_back(selection, 1U << 0, parts.now);
  EXPECT_TRUE(selection.chosen().empty());
  waiting->release(selection);
  EXPECT_EQ(waiting->size(), 1U);
  EXPECT_EQ(leave(), (Ids{2})) << "the rate was given back";
  EXPECT_EQ(leave_for_ms(20), Ids{});
  EXPECT_EQ(leave_for_ms(1), (Ids{1}));
  EXPECT_TRUE(parts.told().empty());
}

TEST_F(WaitingTest, TakesBackOnlyWhatLeavesByTheNamedPorts) {
  Selection selection;
  give_pings(1, 1, WorkerParts::kFar);
  ASSERT_TRUE(waiting->choose(parts.now, kSlots, selection));
  waiting->take_back(selection, 1U << 1, parts.now);
  EXPECT_EQ(ids_of(selection), (Ids{1}));
  waiting->release(selection);
}

TEST_F(WaitingTest, EndsWhateverWaitsWhenItDrains) {
  use({.per_destination_pps = 10});
  give_pings(1, 4, WorkerParts::kFar);           // one leaves, three wait for the limit
  give(ping_to(5, WorkerParts::kOnLink));        // put off
  give(trace_to(6, address_of("203.0.113.9")));  // leaves
  give(trace_to(7, WorkerParts::kFar));          // waits
  Ids left = leave();
  std::ranges::sort(left);
  ASSERT_EQ(left, (Ids{1, 6}));
  waiting->start_draining();
  give(ping_to(8, WorkerParts::kFar));  // still on its way
  give(trace_to(9, WorkerParts::kFar));
  parts.traces.timed_out(under_way[0], parts.now);  // its next attempt does not leave
  while (waiting->drain(parts.now)) continue;
  const auto reasons = failed();
  Ids ended;
  for (const auto& [task, reason] : reasons) {
    ended.push_back(task);
    EXPECT_EQ(reason, Reason::kStopped) << task;
  }
  EXPECT_EQ(ended, (Ids{2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(parts.traces.under_way(), 0U);
  EXPECT_FALSE(waiting->drain(parts.now));
}

TEST_F(WaitingTest, DrainsNoMoreInARoundThanItHasRoomToReport) {
  use({.per_destination_pps = 10});
  give_pings(1, kSingles, WorkerParts::kFar);
  leave();
  leave();
  leave();
  waiting->start_draining();
  give_pings(501, 500 + kBurst + 1, WorkerParts::kFar);
  std::size_t told = 0;
  while (waiting->drain(parts.now)) {
    const std::size_t now = parts.told().size();
    EXPECT_LE(now, 2 * kBurst);
    told += now;
  }
  EXPECT_EQ(told + 1, kSingles + kBurst + 1) << "all but the one that left";
}

}  // namespace
}  // namespace backsight::engine
