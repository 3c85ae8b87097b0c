// The fleet without ports keeps the law of the one with: each task ends in exactly one result.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "evaluation/simulated_fleet.h"
#include "evaluation/surroundings.h"
#include "worlds.h"

namespace backsight::evaluation {
namespace {

using controller::kSecond;
using probes::Kind;

class FleetTest : public ::testing::Test {
 protected:
  tasks::Task task(Kind kind, Ipv4Addr dst) {
    tasks::Task task;
    task.id = ++last_id_;
    task.kind = kind;
    task.dst = dst;
    return task;
  }
  // Until nothing happens any more.
  void run() {
    while (fleet_.next_due() != ~SteadyNs{0}) {
      now_ = fleet_.next_due();
      fleet_.advance(now_, [&](std::size_t vp, const tasks::ResultBatch& batch) {
        for (const auto& it : batch.probes) results_[it.task].push_back({vp, it});
        for (const auto& it : batch.traces) results_[it.head.task].push_back({vp, it.head});
        for (const auto& it : batch.observations) seen_[it.task].push_back({vp, it});
      });
    }
  }

  sim::World& world_ = testing::small_world();
  SimulatedFleet fleet_{world_, {.pps = 1000}};
  SteadyNs now_ = kSecond;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::vector<std::pair<std::size_t, tasks::ProbeResult>>> results_;
  std::map<std::uint64_t, std::vector<std::pair<std::size_t, tasks::Observation>>> seen_;
};

TEST_F(FleetTest, EachTaskEndsInExactlyOneResultOfItsVantagePoint) {
  std::map<std::uint64_t, std::size_t> asked;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    const Kind kinds[] = {Kind::kPing, Kind::kRecordRoute, Kind::kTrace};
    // Every fifth goes to an address that nobody has.
    const Ipv4Addr dst = number % 5 == 0 ? Ipv4Addr{0xcb007101} : testing::host(world_, number);
    tasks::Task it = task(kinds[number % 3], dst);
    const std::size_t vp = number % fleet_.size();
    if (it.kind != Kind::kTrace && number % 4 == 0) {
      it.src = world_.vantage_points()[(vp + 1) % fleet_.size()].address;
    }
    asked[it.id] = vp;
    fleet_.put(vp, it, now_);
  }
  run();
  ASSERT_EQ(results_.size(), asked.size());
  for (const auto& [id, vp] : asked) {
    ASSERT_EQ(results_[id].size(), 1U) << "task " << id;
    EXPECT_EQ(results_[id][0].first, vp);
  }
}

TEST_F(FleetTest, ASpoofedProbeIsSeenByWhomItNames) {
  std::size_t seen = 0;
  for (std::uint64_t number = 1; number <= 50; ++number) {
    tasks::Task it = task(Kind::kRecordRoute, testing::host(world_, number));
    it.src = world_.vantage_points()[1].address;
    fleet_.put(0, it, now_);
  }
  run();
  for (const auto& [id, observations] : seen_) {
    ASSERT_EQ(observations.size(), 1U);
    EXPECT_EQ(observations[0].first, 1U);
    EXPECT_EQ(observations[0].second.probe_vp, 1);
    EXPECT_EQ(results_[id][0].second.outcome, tasks::Outcome::kSent);
    ++seen;
  }
  const bool may = world_.can_spoof(world_.vantage_points()[0]);
  EXPECT_EQ(seen > 0, may) << "vantage point 1 " << (may ? "may" : "may not") << " spoof";
}

TEST_F(FleetTest, NoVantagePointSendsFasterThanItMay) {
  for (std::uint64_t number = 1; number <= 500; ++number) {
    fleet_.put(0, task(Kind::kPing, testing::host(world_, number)), now_);
  }
  const SteadyNs begun = now_;
  run();
  SteadyNs last = 0;
  for (const auto& [id, results] : results_) {
    last = std::max<SteadyNs>(last, results[0].second.sent_at_ns - kEpochNs);
  }
  EXPECT_NEAR(static_cast<double>(last - begun) / kSecond, 0.499 + 0.015, 0.001);
}

}  // namespace
}  // namespace backsight::evaluation
