// What becomes of a port when its link or interface changes, on views and a clock that the test
// makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/device/link_judge.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Verdict = LinkJudge::Verdict;

constexpr auto kSettle = LinkJudge::kSettleTime;

LinkTraits af_packet() { return {.interface = "eth1", .keeps_unsent = true}; }
LinkTraits af_xdp() { return {.interface = "eth1", .has_program = true}; }
LinkTraits tap() {
  return {.interface = "tap0", .makes_interface = true, .speaks_for_interface = false};
}

LinkView well() {
  LinkView view;
  view.index = 7;
  view.mac = {{0x02, 0, 0, 0, 0, 0x0a}};
  view.mtu = 1500;
  view.losses = 3;
  view.xdp_program = 40;
  return view;
}

class Judged {
 public:
  explicit Judged(const LinkTraits& traits, const LinkView& view = well()) : judge(traits) {
    judge.settle(view);
  }
  Verdict after(std::chrono::milliseconds time, const LinkView& view) {
    now += time;
    ruling = judge.judge(view, now);
    return ruling.verdict;
  }
  LinkJudge judge;
  LinkJudge::Clock::time_point now{};
  LinkJudge::Ruling ruling;
};

// Held by the change, then well as `after` shows for as long as it takes.
Verdict end_of(Judged& it, const LinkView& after) {
  EXPECT_EQ(it.after(1ms, after), Verdict::kHold);
  EXPECT_EQ(it.after(kSettle - 1ms, after), Verdict::kHold);
  return it.after(1ms, after);
}

LinkView without_carrier(LinkView view = well()) {
  view.has_carrier = false;
  ++view.losses;
  return view;
}

LinkView deleted() {
  LinkView view;
  view.exists = view.is_up = view.has_carrier = false;
  return view;
}

TEST(LinkJudge, FindsNoFaultWithWhatIsAsItWas) {
  for (const LinkTraits& traits : {af_packet(), af_xdp(), tap(), LinkTraits{}}) {
    Judged it(traits);
    EXPECT_EQ(it.after(0ms, well()), Verdict::kGood);
    EXPECT_EQ(it.after(1h, well()), Verdict::kGood);
  }
}

TEST(LinkJudge, HoldsAPortAsLongAsItsLinkIsDown) {
  Judged it(af_xdp());
  EXPECT_EQ(it.after(1s, without_carrier()), Verdict::kHold);
  EXPECT_EQ(it.ruling.why, "the link is down (eth1 has no carrier)");
  EXPECT_EQ(it.after(1h, without_carrier()), Verdict::kHold);
  LinkView down = without_carrier();
  down.is_up = false;
  EXPECT_EQ(it.after(1s, down), Verdict::kHold);
  EXPECT_EQ(it.ruling.why, "the link is down (eth1 is not set up)");
}

TEST(LinkJudge, GoesOnOnceTheLinkWasUpForAWhile) {
  Judged it(af_xdp());
  EXPECT_EQ(it.after(1s, without_carrier()), Verdict::kHold);
  LinkView back = well();
  ++back.losses;
  EXPECT_EQ(it.after(1ms, back), Verdict::kHold);
  EXPECT_EQ(it.after(kSettle - 1ms, without_carrier()), Verdict::kHold) << "it flaps";
  back.losses += 1;
  EXPECT_EQ(end_of(it, back), Verdict::kResume);
  it.judge.settle(back);
  EXPECT_EQ(it.after(1ms, back), Verdict::kGood);
}

TEST(LinkJudge, OpensASocketAnewThatStillHoldsWhatItCouldNotSend) {
  Judged it(af_packet());
  EXPECT_EQ(it.after(1s, without_carrier()), Verdict::kHold);
  LinkView back = well();
  ++back.losses;
  EXPECT_EQ(end_of(it, back), Verdict::kReopen);
}

TEST(LinkJudge, NoticesALossBetweenTwoLooks) {
  Judged it(af_xdp());
  LinkView later = well();
  ++later.losses;
  EXPECT_EQ(end_of(it, later), Verdict::kResume);
  EXPECT_EQ(it.ruling.why, "eth1 was without carrier for a moment");
}

TEST(LinkJudge, WaitsForAnInterfaceThatIsMadeAgain) {
  for (const LinkTraits& traits : {af_packet(), af_xdp()}) {
    Judged it(traits);
    EXPECT_EQ(it.after(1s, deleted()), Verdict::kHold);
    EXPECT_EQ(it.ruling.why, "there is no interface eth1 any more");
    EXPECT_EQ(it.after(1h, deleted()), Verdict::kHold);
    LinkView anew = well();
    anew.index = 9;
    anew.losses = 0;
    anew.xdp_program = 0;
    LinkView still_down = without_carrier(anew);
    EXPECT_EQ(it.after(1s, still_down), Verdict::kHold);
    EXPECT_EQ(end_of(it, anew), Verdict::kReopen);
  }
}

TEST(LinkJudge, NoticesAnInterfaceMadeAnewBetweenTwoLooks) {
  Judged it(af_packet());
  LinkView anew = well();
  anew.index = 9;
  EXPECT_EQ(end_of(it, anew), Verdict::kReopen);
  EXPECT_EQ(it.ruling.why, "the interface eth1 was made anew");
}

TEST(LinkJudge, MakesATapAgainThatWasDeleted) {
  Judged it(tap());
  EXPECT_EQ(end_of(it, deleted()), Verdict::kReopen);
  EXPECT_THAT(it.ruling.why, HasSubstr("tap0 was deleted"));
}

TEST(LinkJudge, KeepsATapThatWasDownForAMoment) {
  Judged it(tap());
  LinkView down = well();
  down.is_up = false;
  EXPECT_EQ(it.after(1s, down), Verdict::kHold);
  EXPECT_EQ(end_of(it, well()), Verdict::kResume);
}

TEST(LinkJudge, RefusesAnInterfaceMadeAnewThatCarriesNoEthernet) {
  Judged it(af_packet());
  LinkView tun = well();
  tun.index = 9;
  tun.is_ethernet = false;
  EXPECT_EQ(it.after(1h, tun), Verdict::kHold);
  EXPECT_EQ(it.after(1h, tun), Verdict::kHold);
  EXPECT_EQ(it.ruling.why, "eth1 carries no Ethernet frames");
}

TEST(LinkJudge, TakesUpAnotherMacAddressOrMtu) {
  Judged it(af_xdp());
  LinkView changed = well();
  changed.mac.bytes[5] = 0x0b;
  EXPECT_EQ(end_of(it, changed), Verdict::kResume);
  EXPECT_EQ(it.ruling.why,
            "the MAC address of eth1 changed from 02:00:00:00:00:0a to 02:00:00:00:00:0b");
  it.judge.settle(changed);
  changed.mtu = 9000;
  EXPECT_EQ(end_of(it, changed), Verdict::kResume);
  EXPECT_EQ(it.ruling.why, "the MTU of eth1 changed from 1500 to 9000");
}

TEST(LinkJudge, HoldsAPortWhoseMtuIsTooSmallForProbes) {
  Judged it(af_packet());
  LinkView small = well();
  small.mtu = 87;
  EXPECT_EQ(it.after(1s, small), Verdict::kHold);
  EXPECT_EQ(it.after(1h, small), Verdict::kHold);
  EXPECT_EQ(it.ruling.why, "the MTU of eth1 is 87, and probes need 88");
  small.mtu = 88;
  EXPECT_EQ(end_of(it, small), Verdict::kResume);
}

TEST(LinkJudge, AttachesAProgramAgainThatWasTakenOff) {
  Judged it(af_xdp());
  LinkView bare = well();
  bare.xdp_program = 0;
  EXPECT_EQ(end_of(it, bare), Verdict::kReopen);
  EXPECT_THAT(it.ruling.why, HasSubstr("our XDP program was taken off eth1"));
}

TEST(LinkJudge, WaitsUntilAnotherProgramIsGone) {
  Judged it(af_xdp());
  LinkView others = well();
  others.xdp_program = 41;
  EXPECT_EQ(it.after(1s, others), Verdict::kHold);
  EXPECT_EQ(it.after(1h, others), Verdict::kHold);
  EXPECT_THAT(it.ruling.why, HasSubstr("XDP program 41 took the place of ours on eth1"));
  LinkView bare = well();
  bare.xdp_program = 0;
  EXPECT_EQ(end_of(it, bare), Verdict::kReopen);
}

TEST(LinkJudge, WaitsForAnInterfaceMadeAnewThatAnotherProgramHas) {
  Judged it(af_xdp());
  LinkView anew = well();
  anew.index = 9;
  EXPECT_EQ(it.after(1s, anew), Verdict::kHold);
  EXPECT_EQ(it.after(1h, anew), Verdict::kHold);
  EXPECT_THAT(it.ruling.why, HasSubstr("XDP program 40 took the place of ours on eth1"));
}

TEST(LinkJudge, LeavesOthersTheirProgramsWhereItHasNone) {
  Judged it(af_packet());
  LinkView others = well();
  others.xdp_program = 41;
  EXPECT_EQ(it.after(1s, others), Verdict::kGood);
}

TEST(LinkJudge, OpensAPortThatCouldNotBeOpenedBefore) {
  Judged it(af_xdp(), without_carrier());
  it.judge.want_reopening();
  EXPECT_EQ(it.after(1s, without_carrier()), Verdict::kHold);
  EXPECT_EQ(end_of(it, well()), Verdict::kReopen);
}

TEST(LinkJudge, AsksTheDriverWhereThereIsNoInterface) {
  Judged it(LinkTraits{}, LinkView{});
  LinkView down;
  down.has_carrier = false;
  EXPECT_EQ(it.after(1s, down), Verdict::kHold);
  EXPECT_EQ(it.ruling.why, "the link is down");
  EXPECT_EQ(end_of(it, LinkView{}), Verdict::kResume);
}

}  // namespace
}  // namespace backsight::engine
