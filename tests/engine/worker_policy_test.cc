// What was admitted under an older policy is looked at again before it leaves.
#include <gtest/gtest.h>

#include "bench.h"
#include "engine/worker/send_policy.h"

namespace backsight::engine {
namespace {

using tasks::Outcome;
using tasks::Reason;

config::PrefixSet prefixes(std::initializer_list<const char*> texts) {
  std::vector<probes::Ipv4Prefix> all;
  for (const char* text : texts) all.push_back(*probes::parse_prefix(text));
  return config::PrefixSet(all);
}

SendPolicy policy(std::uint32_t number, std::initializer_list<const char*> denied,
                  std::initializer_list<const char*> enrolled = {}) {
  std::vector<config::Enrolled> consents;
  for (const char* text : enrolled) consents.push_back({*probes::parse_prefix(text)});
  return {number, config::BogonPolicy(true, {}), prefixes(denied), config::Enrolment(consents)};
}

TEST(WorkerPolicy, LetsNoTaskLeaveThatWasDeniedWhileItWaited) {
  FakeInternet internet;
  Bench vp(internet, {.limits = {.per_destination_pps = 200}});
  const SendPolicy before = policy(1, {});
  const SendPolicy after = policy(2, {"198.51.100.7"});
  vp.shared.policy = &before;
  for (std::uint64_t id = 1; id <= 20; ++id) {
    vp.assign(ping(id, id % 2 == 0 ? "198.51.100.7" : "203.0.113.9"));
  }
  ASSERT_TRUE(vp.run_until([&] { return internet.probes.size() >= 2; }));
  vp.shared.policy = &after;
  const std::size_t sent = internet.probes.size();
  ASSERT_TRUE(vp.run_until_done());
  for (std::size_t i = sent; i < internet.probes.size(); ++i) {
    EXPECT_NE(destination_of(internet.probes[i]), ip("198.51.100.7"));
  }
  std::size_t denied = 0;
  for (const auto& it : vp.results) {
    if (it.reason != Reason::kDenied) continue;
    EXPECT_EQ(it.outcome, Outcome::kSendFailed);
    ++denied;
  }
  EXPECT_GE(denied, 8U);
  vp.check_laws();
}

TEST(WorkerPolicy, LetsNoTaskLeaveThatStoodInTheMailbox) {
  FakeInternet internet;
  Bench vp(internet);
  const SendPolicy in_force = policy(2, {"198.51.100.0/24"});
  vp.shared.policy = &in_force;
  vp.assign(ping(1, "198.51.100.7"));
  vp.assign(ping(2, "203.0.113.9"));
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.result_of(1).reason, Reason::kDenied);
  EXPECT_EQ(vp.result_of(2).outcome, Outcome::kReplied);
  EXPECT_EQ(internet.probes.size(), 1U);
  vp.check_laws();
}

TEST(WorkerPolicy, EndsATraceWhoseDestinationIsDeniedOnTheWay) {
  FakeInternet internet;
  Bench vp(internet);
  const SendPolicy before = policy(1, {});
  const SendPolicy after = policy(2, {"198.51.100.7"});
  vp.shared.policy = &before;
  vp.assign(trace(1, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until([&] { return internet.probes.size() == 2; }));
  vp.shared.policy = &after;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(vp.trace_of(1).head.outcome, Outcome::kSendFailed);
  EXPECT_EQ(vp.trace_of(1).head.reason, Reason::kDenied);
  EXPECT_EQ(internet.probes.size(), 2U);
  vp.check_laws();
}

TEST(WorkerPolicy, SendsInNobodysNameWhoseConsentIsGone) {
  FakeInternet internet;
  Bench vp(internet, {.limits = {.per_source_pps = 200}});
  const SendPolicy before = policy(1, {}, {"192.0.2.66"});
  const SendPolicy after = policy(2, {}, {});
  vp.shared.policy = &before;
  for (std::uint64_t id = 1; id <= 10; ++id) {
    tasks::Task task = record_route(id, "198.51.100.7");
    task.src = ip("192.0.2.66");
    vp.assign(task, 0, true);
  }
  ASSERT_TRUE(vp.run_until([&] { return !internet.probes.empty(); }));
  vp.shared.policy = &after;
  const std::size_t sent = internet.probes.size();
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_EQ(internet.probes.size(), sent);
  EXPECT_EQ(vp.counters().results[Outcome::kSendFailed].value(), 10 - sent);
  vp.check_laws();
}

// Crafted, but the port had no room.
TEST(WorkerPolicy, TakesBackWhatAFullPortHolds) {
  FakeInternet internet;
  Bench vp(internet, {.wire_slots = 16});
  const SendPolicy before = policy(1, {});
  const SendPolicy after = policy(2, {"198.51.100.7"});
  vp.shared.policy = &before;
  internet.takes_nothing = true;
  for (std::uint64_t id = 1; id <= 40; ++id) vp.assign(ping(id, "198.51.100.7"));
  ASSERT_TRUE(vp.run_until([&] { return vp.counters().transmit_full.value() > 0; }));
  vp.shared.policy = &after;
  vp.round();
  internet.takes_nothing = false;
  ASSERT_TRUE(vp.run_until_done());
  EXPECT_LE(internet.probes.size(), 16U);
  EXPECT_EQ(vp.counters().crafted.value(),
            vp.counters().sent.sum() + vp.counters().given_up.value());
  vp.check_laws();
}

}  // namespace
}  // namespace backsight::engine
