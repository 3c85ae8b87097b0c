// The deny list: whatever the controller wants, no packet goes there or claims to come from there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller_brain/brain_rig.h"

namespace backsight::controller {
namespace {

using testing::IsEmpty;

constexpr SteadyNs kWarmUp = 20 * kSecond;

config::PrefixSet set_of(std::vector<probes::Ipv4Prefix> prefixes) {
  return config::PrefixSet(prefixes);
}

// AS `number` (from 0 on) of the scripted Internet.
constexpr probes::Ipv4Prefix as_of(std::uint32_t number) {
  return {{0xc6121000 + number * 0x1000}, 20};
}

std::vector<std::string> met(const std::map<Ipv4Addr, std::uint64_t>& counts,
                             const config::PrefixSet& denied) {
  std::vector<std::string> found;
  for (const auto& [address, count] : counts) {
    if (denied.contains(address)) found.push_back(probes::to_string(address));
  }
  return found;
}

// Everything that a controller does, to and from everybody who is not denied.
void do_everything(BrainRig& rig, const config::PrefixSet& denied) {
  rig.pass(5 * kMinute);
  for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
    rig.brain->refresh_atlas(static_cast<VpIndex>(vp), rig.now);
    for (const auto& host : rig.internet.hosts()) {
      if (denied.contains(host.address)) continue;
      Request request = rig.request(vp, host.address);
      request.use_cache = request.id % 4 == 0;
      request.ping_hops = request.forward_traceroute = request.find_branches = true;
      rig.brain->submit(request, rig.now);
      (void)rig.wait_for(request.id);
    }
  }
  rig.pass(kMinute);
}

TEST(DenyList, HoldsForEveryPacketThatAnyPartCauses) {
  std::size_t without = 0, spoofed_without = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (const bool with_aliases : {false, true}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed);
      BrainRig rig(seed, with_aliases), free(seed, with_aliases);
      // A network in the middle, a vantage point, and the gateway of another one.
      const auto gateway = rig.internet.announcement(2, 1).gateway;
      const auto denied = set_of({as_of(static_cast<std::uint32_t>(seed) % 6),
                                  {rig.internet.vp_address(1), 32},
                                  {gateway, 32}});
      rig.brain->deny(denied, rig.now);
      for (std::size_t i = 0; i < rig.internet.hosts().size(); i += 5) {
        rig.internet.hosts()[i].answers = free.internet.hosts()[i].answers = false;
      }
      do_everything(rig, denied);
      do_everything(free, denied);
      EXPECT_THAT(met(rig.internet.probes_to, denied), IsEmpty());
      EXPECT_THAT(met(rig.internet.spoofed_as, denied), IsEmpty());
      without += met(free.internet.probes_to, denied).size();
      spoofed_without += met(free.internet.spoofed_as, denied).size();
    }
  }
  EXPECT_GT(without, 50U);
  EXPECT_GT(spoofed_without, 8U);
}

TEST(DenyList, TeachesNothing) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    BrainRig rig(seed, true);
    const auto denied = set_of({as_of(static_cast<std::uint32_t>(seed) % 6)});
    rig.brain->deny(denied, rig.now);
    do_everything(rig, denied);
    rig.brain->deny({}, rig.now);
    rig.pass(kWarmUp);
    for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
      for (const auto& host : rig.internet.hosts()) {
        Request request = rig.request(vp, host.address);
        request.use_cache = false;
        rig.brain->submit(request, rig.now);
        const ReversePath path = rig.wait_for(request.id);
        EXPECT_EQ(path.stop_reason, StopReason::kReaches) << shown(path, rig.internet);
        EXPECT_THAT(rig.wrong_hops(path), IsEmpty()) << shown(path, rig.internet);
      }
    }
  }
}

TEST(DenyList, LeavesPathsToBeMeasuredByWhatIsLeft) {
  std::size_t reached = 0, asked = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    BrainRig rig(seed, true);
    const auto denied = set_of({as_of(static_cast<std::uint32_t>(seed) % 6)});
    rig.brain->deny(denied, rig.now);
    rig.pass(kWarmUp);
    for (std::size_t vp = 0; vp < rig.internet.vp_count(); ++vp) {
      if (denied.contains(rig.internet.vp_address(vp))) continue;
      for (const auto& host : rig.internet.hosts()) {
        if (denied.contains(host.address)) continue;
        const ReversePath path = rig.measure(vp, host.address);
        ++asked;
        reached += path.stop_reason == StopReason::kReaches;
        EXPECT_LT(path.runtime_us, 20'000'000U) << shown(path, rig.internet);
      }
    }
  }
  EXPECT_GE(reached * 100, asked * 95) << reached << " of " << asked;
}

TEST(DenyList, EndsWhatIsUnderWayToWhoCameOntoIt) {
  BrainRig rig(3, true);
  rig.pass(kWarmUp);
  const Ipv4Addr host = rig.internet.hosts()[0].address;
  const auto id = rig.ask(0, host);
  rig.pass(2 * kMillisecond);  // asked, and not answered yet
  const auto before = rig.internet.probes_to[host];
  EXPECT_GT(before, 0U);
  rig.brain->deny(set_of({{host, 32}}), rig.now);
  const ReversePath path = rig.wait_for(id);
  EXPECT_EQ(path.fail_reason, FailReason::kDenied);
  EXPECT_THAT(path.fail_detail, testing::HasSubstr("deny list"));
  EXPECT_LT(path.runtime_us, 1'000'000U);
  EXPECT_EQ(rig.measure(1, host).fail_reason, FailReason::kDenied);
  EXPECT_THAT(rig.stand_ins, IsEmpty());
  rig.pass(kMinute);
  EXPECT_EQ(rig.internet.probes_to[host], before);
  rig.brain->deny({}, rig.now);
  Request again = rig.request(1, host);
  again.use_cache = false;
  rig.brain->submit(again, rig.now);
  EXPECT_EQ(rig.wait_for(again.id).stop_reason, StopReason::kReaches);
}

TEST(DenyList, SendsInNobodysNameThoughTheSourceItselfMeasures) {
  BrainRig rig(2, true);
  const auto denied = set_of({{rig.internet.vp_address(0), 32}});
  rig.brain->deny(denied, rig.now);
  rig.pass(kWarmUp);
  for (const auto& host : rig.internet.hosts()) (void)rig.measure(0, host.address);
  EXPECT_THAT(met(rig.internet.spoofed_as, denied), IsEmpty());
  EXPECT_THAT(met(rig.internet.probes_to, denied), IsEmpty());
  EXPECT_GT(rig.brain->figures().probes, 0U);
}

class DeniedQuestions : public testing::Test {
 protected:
  Question question(Ipv4Addr dst, VpIndex receiver = 0) const {
    return {.sender = 0,
            .receiver = receiver,
            .kind = probes::Kind::kPing,
            .src = {0xc6120001U + receiver},
            .dst = dst,
            .waiter = 7};
  }
  std::size_t sent() {
    std::vector<Prober::Outgoing> out;
    prober.advance(now, out);
    return out.size();
  }

  Now now{kSecond, 1};
  Prober prober{{}, 100};
  const Ipv4Addr host{0xc6336407};
};

TEST_F(DeniedQuestions, AreAnsweredAtOnceAndTellNobodyMore) {
  prober.deny(set_of({{host, 32}, {{0xc6120002}, 32}}), now);
  for (const Question& it : {question(host), question({0xc6336408}, 1)}) {
    const Asked asked = prober.ask(it, now);
    EXPECT_FALSE(asked.is_new);
    EXPECT_EQ(asked.answer->state, Answer::State::kFailed);
    EXPECT_EQ(asked.answer->reason, tasks::Reason::kDenied);
  }
  EXPECT_EQ(sent(), 0U);
  EXPECT_THAT(prober.take_ended(), IsEmpty());
  EXPECT_THAT(prober.take_news(), IsEmpty());
  EXPECT_EQ(prober.figures().denied, 2U);
  // Its own name, and another's destination.
  EXPECT_TRUE(prober.ask(question({0xc6336408}), now).is_new);
  EXPECT_EQ(sent(), 1U);
}

TEST_F(DeniedQuestions, ThatWaitOrAreUnderWayFailOnce) {
  const Asked under_way = prober.ask(question(host), now);
  ASSERT_EQ(sent(), 1U);
  Question trace = question(host);
  trace.kind = probes::Kind::kTrace;
  (void)prober.ask(trace, now);  // in parts, and not sent yet
  prober.deny(set_of({{host, 32}}), now);
  EXPECT_EQ(sent(), 0U);
  const auto news = prober.take_news();
  ASSERT_EQ(news.size(), 2U);
  for (const News& it : news) {
    EXPECT_EQ(it.answer->state, Answer::State::kFailed);
    EXPECT_EQ(it.answer->reason, tasks::Reason::kDenied);
  }
  EXPECT_EQ(prober.figures().held_back, 0U);
  // Its reply comes late.
  tasks::ProbeResult result;
  result.task = under_way.answer->id;
  result.dst = host;
  result.outcome = tasks::Outcome::kReplied;
  prober.on_result(0, result, now);
  EXPECT_EQ(prober.figures().duplicates, 1U);
  EXPECT_EQ(under_way.answer->state, Answer::State::kFailed);
}

}  // namespace
}  // namespace backsight::controller
