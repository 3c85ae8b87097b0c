// Networks that do not stamp, shown from what traceroutes have in common.
#include "controller/measurement/unseen_ases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace backsight::controller {
namespace {

using probes::Ipv4Addr;
using testing::ElementsAre;
using testing::IsEmpty;

// AS n has 198.18.n.0/24; at(n, k) is its router k.
constexpr Ipv4Addr at(std::uint32_t as, std::uint32_t router) {
  return {0xc6120000 | as << 8 | router};
}

class UnseenAses : public testing::Test {
 protected:
  UnseenAses() {
    std::vector<Origin> origins;
    for (std::uint32_t as = 1; as < 100; ++as) origins.push_back({{at(as, 0), 24}, as});
    prefixes_ = PrefixTable::of(origins);
  }
  // A traceroute from AS 50 and on.
  void trace(std::vector<Ipv4Addr> hops) {
    AtlasTrace trace;
    trace.id = 1000 + ++traces_;
    trace.from = at(99, traces_);
    trace.at = kSecond;
    trace.hops = std::move(hops);
    ASSERT_TRUE(atlas_.add(std::move(trace)));
  }
  // Of the path of these hops, whose last has met a traceroute.
  std::vector<UnseenHops> unseen(const std::vector<Ipv4Addr>& hops) {
    std::vector<ReverseHop> path;
    for (const Ipv4Addr hop : hops) path.push_back({.address = hop});
    const auto met = atlas_.find(hops.back(), 0);
    if (!met) return {};
    return unseen_ases(path, *met, atlas_, 0, prefixes_);
  }
  // Three traceroutes from AS 2 by AS 3 to AS 4, where the path goes on.
  void trace_by_as_3() {
    for (std::uint32_t i = 1; i <= 3; ++i) {
      trace({at(50 + i, 1), at(2, i), at(3, i), at(3, 9), at(4, 1), at(5, 1)});
    }
  }

  PrefixTable prefixes_;
  AliasTable aliases_;
  SourceAtlas atlas_{at(5, 100), aliases_};
  std::uint32_t traces_ = 0;
};

TEST_F(UnseenAses, ShowWhatAllTraceroutesFromTheAsBeforeHaveInCommon) {
  trace_by_as_3();
  const auto found = unseen({at(1, 1), at(2, 7), at(4, 1)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].before, 2U);
  EXPECT_THAT(found[0].hops, ElementsAre(at(3, 9)));
  EXPECT_EQ(found[0].trace, 1001U);
}

TEST_F(UnseenAses, StandBeforeAllHopsOfTheAsThatIsEntered) {
  trace_by_as_3();
  const auto found = unseen({at(2, 7), at(4, 7), at(4, 8), at(4, 1)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].before, 1U);
}

TEST_F(UnseenAses, AreNoneWhereOneTracerouteGoesDirectly) {
  trace_by_as_3();
  trace({at(54, 1), at(2, 4), at(4, 1), at(5, 1)});
  EXPECT_THAT(unseen({at(1, 1), at(2, 7), at(4, 1)}), IsEmpty());
}

TEST_F(UnseenAses, AreNoneWhenTracerouteDoNotAgreeOnTheRouter) {
  for (std::uint32_t i = 1; i <= 3; ++i) trace({at(2, i), at(3, i), at(4, 1), at(5, 1)});
  EXPECT_THAT(unseen({at(1, 1), at(2, 7), at(4, 1)}), IsEmpty());
}

TEST_F(UnseenAses, AreToldByASingleTraceroute) {
  trace({at(2, 1), at(3, 8), at(3, 9), at(4, 1), at(5, 1)});
  const auto found = unseen({at(1, 1), at(2, 7), at(4, 1)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].hops, ElementsAre(at(3, 8), at(3, 9)));
}

TEST_F(UnseenAses, AreNoneForTraceroutesFromElsewhere) {
  trace_by_as_3();
  EXPECT_THAT(unseen({at(1, 1), at(6, 7), at(4, 1)}), IsEmpty());
}

TEST_F(UnseenAses, AreNoneThatThePathShowsAnyway) {
  trace_by_as_3();
  EXPECT_THAT(unseen({at(1, 1), at(2, 7), at(3, 8), at(4, 1)}), IsEmpty());
}

TEST_F(UnseenAses, AreNoneThatTheTraceroutesRestShows) {
  for (std::uint32_t i = 1; i <= 3; ++i) {
    trace({at(2, i), at(3, 9), at(4, 1), at(3, 10), at(5, 1)});
  }
  EXPECT_THAT(unseen({at(1, 1), at(2, 7), at(4, 1)}), IsEmpty());
}

TEST_F(UnseenAses, AreShownOnceEach) {
  for (std::uint32_t i = 1; i <= 3; ++i) {
    trace({at(2, i), at(3, 9), at(6, i), at(7, 9), at(4, 1), at(5, 1)});
  }
  const auto found = unseen({at(2, 7), at(6, 7), at(4, 1)});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_THAT(found[0].hops, ElementsAre(at(3, 9)));
  EXPECT_THAT(found[1].hops, ElementsAre(at(7, 9)));
}

TEST_F(UnseenAses, AreNoneOfAddressesThatNobodyAnnounces) {
  const Ipv4Addr unknown{0xc0000201};
  for (std::uint32_t i = 1; i <= 3; ++i) trace({at(2, i), unknown, {}, at(4, 1), at(5, 1)});
  EXPECT_THAT(unseen({at(1, 1), at(2, 7), {}, unknown, at(4, 1)}), IsEmpty());
}

}  // namespace
}  // namespace backsight::controller
