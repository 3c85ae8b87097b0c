// One measurement alone: an answer goes in, what it wants next comes out.
#include "controller/measurement/measurement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace backsight::controller {
namespace {

using probes::Ipv4Addr;
using probes::Kind;
using testing::ElementsAre;

constexpr Ipv4Addr kSource{0xc0000201};
constexpr Ipv4Addr kDestination{0xc6336407};
constexpr Ipv4Addr router(std::uint32_t number) { return {0x50000000 + (number << 16) + 1}; }

// Six routers on the way there, then these: no slot is left.
tasks::Recorded full_route(const std::vector<Ipv4Addr>& back) {
  tasks::Recorded route;
  route.what = tasks::Recorded::What::kRoute;
  route.slots = route.count = 9;
  const std::size_t there = route.addresses.size() - back.size();
  for (std::uint32_t i = 0; i < there; ++i) route.addresses[i] = router(100 + i);
  std::ranges::copy(back, route.addresses.begin() + static_cast<std::ptrdiff_t>(there));
  return route;
}

class MeasurementTest : public ::testing::Test {
 protected:
  MeasurementTest() {
    Announcement announcement;
    announcement.name = "vp1";
    announcement.number = 1;
    announcement.address = kSource;
    announcement.is_ready = true;
    vantage_.hear(announcement, kSecond);
  }
  Commands start(Measurement& measurement) const {
    Commands commands;
    measurement.step({.what = Event::What::kStart}, known_, now_, commands);
    return commands;
  }
  // The source's own probe to `dst` is answered.
  Commands answer(Measurement& measurement, Ipv4Addr dst, const std::vector<Ipv4Addr>& back) {
    Answer answer;
    answer.id = ++last_id_;
    answer.key = {0, Kind::kRecordRoute, kSource, dst};
    answer.state = Answer::State::kAnswered;
    answer.handed_at = answer.left_at = answer.ended_at = now_.steady;
    answer.recorded = full_route(back);
    Commands commands;
    measurement.step({.what = Event::What::kAnswer, .answer = &answer}, known_, now_, commands);
    return commands;
  }
  static std::vector<Ipv4Addr> addresses_of(const Measurement& measurement) {
    std::vector<Ipv4Addr> addresses;
    for (const ReverseHop& hop : measurement.path().hops) addresses.push_back(hop.address);
    return addresses;
  }
  static Request request() {
    Request request;
    request.id = 2;
    request.src = kSource;
    request.dst = kDestination;
    return request;
  }

  const Now now_{kMinute, 1'800'000'000'000'000};
  const PrefixTable prefixes_;
  const AliasTable aliases_;
  const Ranking ranking_{prefixes_, aliases_};
  const Silence silence_;
  VantageTable vantage_;
  const config::PrefixSet denied_;
  const Knowledge known_{prefixes_, aliases_, ranking_, silence_, vantage_, denied_};
  std::uint64_t last_id_ = 0;
};

TEST_F(MeasurementTest, GrowsByWhatAReplyRecordsBehindItsTarget) {
  Measurement measurement(request(), 0, {}, now_);
  const Commands begun = start(measurement);
  ASSERT_FALSE(begun.probes.empty());
  EXPECT_EQ(begun.probes[0].dst, kDestination);
  const Commands next = answer(measurement, kDestination, {kDestination, router(1), router(2)});
  EXPECT_THAT(addresses_of(measurement), ElementsAre(kDestination, router(1), router(2)));
  ASSERT_FALSE(next.probes.empty());
  EXPECT_EQ(next.probes[0].dst, router(2));
}

// It tells of no hop that was not there, or of as many as it takes away.
TEST_F(MeasurementTest, StaysAsItIsWhenAReplyLeadsBackToWhereItWas) {
  for (const auto& back :
       {std::vector{router(2), router(1)}, std::vector{router(2), router(1), router(3)},
        std::vector{router(2), kDestination}}) {
    Measurement measurement(request(), 0, {}, now_);
    start(measurement);
    answer(measurement, kDestination, {kDestination, router(1), router(2)});
    const Commands next = answer(measurement, router(2), back);
    EXPECT_THAT(addresses_of(measurement), ElementsAre(kDestination, router(1), router(2)));
    EXPECT_EQ(measurement.target(), router(1)) << "an earlier hop may tell more";
    EXPECT_FALSE(next.probes.empty()) << "nothing would ever come";
    for (const Wanted& it : next.probes) EXPECT_EQ(it.dst, router(1));
  }
}

// Its own tail is a part of what the path was.
TEST_F(MeasurementTest, IsNotMadeShorterByAReplyOfAnEarlierHop) {
  Measurement measurement(request(), 0, {}, now_);
  start(measurement);
  answer(measurement, kDestination, {kDestination, router(1), router(2)});
  answer(measurement, router(2), {router(2)});
  ASSERT_EQ(measurement.target(), router(1));
  const Commands next = answer(measurement, router(1), {router(1), router(2), kDestination});
  EXPECT_THAT(addresses_of(measurement), ElementsAre(kDestination, router(1), router(2)));
  for (const Wanted& it : next.probes) EXPECT_NE(it.dst, kDestination) << "in a circle, for ever";
}

}  // namespace
}  // namespace backsight::controller
