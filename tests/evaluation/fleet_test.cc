// The simulated fleet keeps the engine's laws: each task ends in exactly one result.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "evaluation/simulated_fleet.h"
#include "evaluation/surroundings.h"
#include "worlds.h"

namespace backsight::evaluation {
namespace {

using controller::kSecond;
using probes::Ipv4Addr;
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
    while (fleet_->next_due() != ~SteadyNs{0}) {
      now_ = fleet_->next_due();
      fleet_->advance(now_, [&](std::size_t vp, const tasks::ResultBatch& batch) {
        for (const auto& it : batch.probes) results_[it.task].push_back({vp, it});
        for (const auto& it : batch.traces) results_[it.head.task].push_back({vp, it.head});
        for (const auto& it : batch.observations) seen_[it.task].push_back({vp, it});
      });
    }
  }

  sim::World& world_ = testing::small_world();
  static std::unique_ptr<SimulatedFleet> make_fleet(sim::World& world) {
    SimulatedFleet::Options options;
    options.rates.total_pps = 1000;
    auto fleet = SimulatedFleet::make(world, options);
    if (!fleet) ADD_FAILURE() << fleet.error().sentence;
    return std::move(fleet).value();
  }
  std::unique_ptr<SimulatedFleet> fleet_ = make_fleet(world_);
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
    const std::size_t vp = number % fleet_->size();
    if (it.kind != Kind::kTrace && number % 4 == 0) {
      it.src = world_.vantage_points()[(vp + 1) % fleet_->size()].address;
    }
    asked[it.id] = vp;
    fleet_->put(vp, it, now_);
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
    fleet_->put(0, it, now_);
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
    fleet_->put(0, task(Kind::kPing, testing::host(world_, number)), now_);
  }
  const SteadyNs begun = now_ + 15 * controller::kMillisecond;
  run();
  std::vector<SteadyNs> sent;
  std::map<Ipv4Addr, std::vector<SteadyNs>> sent_to;
  for (const auto& [id, results] : results_) {
    const tasks::ProbeResult& result = results[0].second;
    sent.push_back(result.sent_at_ns - kEpochNs);
    sent_to[result.dst].push_back(sent.back());
  }
  std::ranges::sort(sent);
  ASSERT_EQ(sent.size(), 500U);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_GE(sent[i], begun + i * controller::kMillisecond) << i;
  }
  EXPECT_LT(sent.back(), begun + kSecond);
  // And nobody is asked more than ten times a second.
  for (auto& [dst, times] : sent_to) {
    std::ranges::sort(times);
    for (std::size_t i = 1; i < times.size(); ++i) {
      EXPECT_GE(times[i], times[i - 1] + 89 * controller::kMillisecond) << to_string(dst);
    }
  }
}

}  // namespace
}  // namespace backsight::evaluation
