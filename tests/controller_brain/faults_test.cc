// The controller through all that goes wrong around it, drawn from a seed: packets lost, reports
// late, doubled and out of order, vantage points that fall silent and come back, the wall clock
// stepped, the controller killed. A failure names its seed, and that seed fails again.
//
// BACKSIGHT_SEEDS=5000 build/dev/bin/test_controller_brain --gtest_filter='Faults.*'
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/controller_brain/brain_rig.h"

namespace backsight::controller {
namespace {

std::uint64_t seeds() {
  const char* const asked = std::getenv("BACKSIGHT_SEEDS");
  return asked == nullptr ? 200 : std::strtoull(asked, nullptr, 10);
}

class Faults : public testing::Test {
 protected:
  // One fault, at random, or its end.
  static void strike(BrainRig& rig) {
    auto& random = rig.random;
    const std::size_t vp = random() % rig.internet.vp_count();
    switch (random() % 7) {
      case 0:
        rig.internet.loss = static_cast<double>(random() % 20) / 100;
        break;
      case 1:
        rig.twice = static_cast<double>(random() % 30) / 100;
        break;
      case 2:
        rig.most_delay = random() % (2 * kSecond);
        break;
      case 3:
        rig.internet.mute.insert(vp);
        rig.gone.insert(vp);
        break;
      case 4:
        rig.internet.mute.clear();
        rig.gone.clear();
        break;
      case 5:
        rig.now.unix_us += (random() % 2 == 0 ? 1 : -1) * 3'600'000'000LL;
        break;
      default:
        rig.restart();
        break;
    }
  }
};

TEST_F(Faults, EndEachRequestOnceAndPutNoFalseRouterIntoAPath) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    BrainRig rig(seed, seed % 2 == 0);
    rig.random.seed(seed);
    rig.pass(5 * kSecond);
    std::vector<std::uint64_t> asked;
    for (int step = 0; step < 40; ++step) {
      const std::size_t vp = rig.random() % rig.internet.vp_count();
      const auto& hosts = rig.internet.hosts();
      asked.push_back(rig.ask(vp, hosts[rig.random() % hosts.size()].address));
      if (rig.random() % 4 == 0) strike(rig);
      rig.pass(rig.random() % (300 * kMillisecond));
    }
    rig.internet.mute.clear();
    rig.gone.clear();
    for (const std::uint64_t id : asked) {
      const ReversePath path = rig.wait_for(id);
      const bool is_assumed = std::ranges::any_of(
          path.hops, [](const ReverseHop& hop) { return hop.type >= HopType::kSymmetryWithinAs; });
      if (!is_assumed) {
        EXPECT_THAT(rig.wrong_hops(path), testing::IsEmpty()) << shown(path, rig.internet);
      }
    }
    rig.pass(2 * kMinute);  // what stands in for some ends, too
    EXPECT_EQ(rig.brain->under_way(), 0U);
    if (HasFailure()) return;
  }
}

TEST_F(Faults, ReplayFromTheirSeed) {
  const auto run = [](std::uint64_t seed) {
    BrainRig rig(seed, true);
    rig.random.seed(seed);
    for (int step = 0; step < 30; ++step) {
      rig.ask(rig.random() % 5, rig.internet.hosts()[rig.random() % 12].address);
      if (step % 3 == 0) strike(rig);
      rig.pass(100 * kMillisecond);
    }
    rig.internet.mute.clear();
    rig.gone.clear();
    rig.pass(3 * kMinute);
    std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>> ends;
    for (const ReversePath& it : rig.in_order) {
      ends.emplace_back(it.id, it.runtime_us, it.hops.size());
    }
    return std::pair(ends, rig.tasks);
  };
  for (std::uint64_t seed = 1; seed <= 10; ++seed) EXPECT_EQ(run(seed), run(seed)) << seed;
}

}  // namespace
}  // namespace backsight::controller
