// What is asked of vantage points that never were.
#include "controller/probing/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace backsight::controller {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(Prober, CountsWhatEachVantagePointHasUnderWay) {
  Prober prober{{}, 100};
  Now now{kSecond, 1};
  std::vector<AnswerPtr> asked;
  for (const VpIndex sender : std::array<VpIndex, 3>{0, 0, 3}) {
    const probes::Ipv4Addr host{0xc6336400U + static_cast<std::uint32_t>(asked.size())};
    asked.push_back(prober
                        .ask({.sender = sender,
                              .receiver = sender,
                              .kind = probes::Kind::kPing,
                              .src = {0xc6120001},
                              .dst = host,
                              .waiter = 7},
                             now)
                        .answer);
  }
  EXPECT_THAT(prober.under_way(), IsEmpty());  // none has been handed over
  std::vector<Prober::Outgoing> out;
  prober.advance(now, out);
  EXPECT_THAT(prober.under_way(), UnorderedElementsAre(Pair(0, 2), Pair(3, 1)));
  tasks::ProbeResult result;
  result.task = asked[0]->id;
  result.dst = asked[0]->key.dst;
  result.outcome = tasks::Outcome::kReplied;
  result.has_reply = true;
  prober.on_result(0, result, now);
  EXPECT_THAT(prober.under_way(), UnorderedElementsAre(Pair(0, 1), Pair(3, 1)));
  prober.on_vp_lost(3, now);
  EXPECT_THAT(prober.under_way(), UnorderedElementsAre(Pair(0, 1)));
}

}  // namespace
}  // namespace backsight::controller
