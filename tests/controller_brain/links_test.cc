// The queues between the controller and vantage points stop working, and work again: nobody behind
// them, and no destination, is blamed for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller_brain/brain_rig.h"

namespace backsight::controller {
namespace {

class Links : public testing::Test {
 protected:
  void SetUp() override { rig.pass(10 * kSecond); }

  void set_link(std::size_t vp, const std::string& trouble) {
    rig.brain->set_link(*rig.brain->source_of(rig.internet.vp_address(vp)), trouble, rig.now);
  }
  // Nothing goes there or comes from there, but for what it announces.
  void cut(std::size_t vp) {
    set_link(vp, "process 1 consumes these results");
    rig.internet.mute.insert(vp);
  }
  void mend(std::size_t vp) {
    rig.internet.mute.erase(vp);
    set_link(vp, "");
  }
  [[nodiscard]] Ipv4Addr answering_host() {
    for (const auto& host : rig.internet.hosts()) {
      if (host.answers && host.answers_record_route) return host.address;
    }
    return {};
  }
  [[nodiscard]] std::size_t vps() const { return rig.internet.vp_count(); }

  BrainRig rig{7, true};
};

TEST_F(Links, WhoIsBehindOneThatDoesNotWorkIsAskedNothing) {
  for (std::size_t vp = 0; vp < vps(); ++vp) cut(vp);
  const std::uint64_t before = rig.tasks;
  rig.pass(kMinute);
  EXPECT_EQ(rig.tasks, before);
  const auto source = rig.brain->source_of(rig.internet.vp_address(0));
  EXPECT_EQ(rig.brain->vantage().why_no_source(*source), "process 1 consumes these results");
  for (std::size_t vp = 0; vp < vps(); ++vp) mend(vp);
  rig.pass(5 * kSecond);
  EXPECT_GT(rig.tasks, before);
  EXPECT_EQ(rig.brain->vantage().why_no_source(*source), std::nullopt);
}

TEST_F(Links, ARequestUnderWayWaitsAndIsMeasuredWhenTheyWorkAgain) {
  const Ipv4Addr host = answering_host();
  const std::uint64_t pings = rig.pings.size();
  const std::uint64_t id = rig.ask(0, host);
  rig.pass(kMillisecond);  // the first probes are with the vantage points
  for (std::size_t vp = 0; vp < vps(); ++vp) cut(vp);
  rig.pass(30 * kSecond);
  for (std::size_t i = pings; i < rig.pings.size(); ++i) EXPECT_TRUE(rig.pings[i].is_answered);
  for (std::size_t vp = 0; vp < vps(); ++vp) mend(vp);
  const ReversePath path = rig.wait_for(id);
  EXPECT_EQ(path.stop_reason, StopReason::kReaches) << shown(path, rig.internet);
  EXPECT_THAT(rig.wrong_hops(path), testing::IsEmpty());
}

TEST_F(Links, NothingIsLearnedOfDestinationsMeanwhile) {
  std::vector<std::uint64_t> asked;
  for (const auto& host : rig.internet.hosts()) asked.push_back(rig.ask(0, host.address));
  rig.pass(kMillisecond);
  for (std::size_t vp = 0; vp < vps(); ++vp) cut(vp);
  rig.pass(20 * kSecond);
  for (std::size_t vp = 0; vp < vps(); ++vp) mend(vp);
  for (const std::uint64_t id : asked) rig.wait_for(id);
  EXPECT_EQ(rig.brain->open_circuits(rig.now.steady), 0U);
  for (const auto& host : rig.internet.hosts()) {
    if (!host.answers) continue;
    const ReversePath path = rig.measure(1, host.address);
    EXPECT_NE(path.fail_reason, FailReason::kUnresponsive) << shown(path, rig.internet);
  }
}

TEST_F(Links, OneThatFailsCostsTheOthersNothing) {
  cut(1);
  for (const auto& host : rig.internet.hosts()) {
    if (!host.answers || !host.answers_record_route) continue;
    const ReversePath path = rig.measure(0, host.address);
    EXPECT_EQ(path.stop_reason, StopReason::kReaches) << shown(path, rig.internet);
  }
}

}  // namespace
}  // namespace backsight::controller
