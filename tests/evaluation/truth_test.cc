// Paths made by hand from what a World says is true, and what the scores say of them.
#include "evaluation/truth.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "evaluation/surroundings.h"
#include "worlds.h"

namespace backsight::evaluation {
namespace {

using controller::HopType;
using controller::ReverseHop;
using controller::ReversePath;
using probes::Ipv4Addr;

// A path of several ASes, all of whose routers say who they are, in their own AS's addresses.
class TruthTest : public ::testing::Test {
 protected:
  void SetUp() override {
    src_ = world_.vantage_points()[0].address;
    for (std::uint64_t number = 1; number < 5000; ++number) {
      dst_ = testing::host(world_, number);
      truth_ = world_.path(dst_, src_, kEpochNs);
      if (is_plain()) return;
    }
    FAIL() << "no path of this world is plain";
  }

  bool is_plain() const {
    std::set<std::uint32_t> ases;
    for (const sim::Hop& hop : truth_.hops) {
      if (hop.is_hidden || hop.alternatives > 1 || hop.shows.is_unspecified()) return false;
      if (world_.origin(hop.shows) != hop.as_number) return false;
      ases.insert(hop.as_number);
    }
    return truth_.exists && ases.size() >= 4 && world_.origin(dst_) && world_.origin(src_);
  }

  // What measures everything right, but for the hops that `leaves_out`.
  ReversePath path(HopType type, const std::function<bool(const sim::Hop&)>& leaves_out) const {
    ReversePath path;
    path.src = src_;
    path.dst = dst_;
    path.stop_reason = controller::StopReason::kReaches;
    path.hops.push_back({.address = dst_, .type = HopType::kDestination});
    for (const sim::Hop& hop : truth_.hops) {
      if (!leaves_out(hop)) path.hops.push_back({.address = hop.shows, .type = type});
    }
    path.hops.push_back({.address = src_, .type = type});
    return path;
  }
  ReversePath whole(HopType type = HopType::kRecordRoute) const {
    return path(type, [](const auto&) { return false; });
  }
  // The number of an AS in the middle of the path, neither the source's nor the destination's; the
  // `skip`th of them.
  std::uint32_t middle_as(std::size_t skip = 0) const {
    std::set<std::uint32_t> seen{*world_.origin(dst_), *world_.origin(src_)};
    for (const sim::Hop& hop : truth_.hops) {
      if (seen.insert(hop.as_number).second && skip-- == 0) return hop.as_number;
    }
    return 0;
  }
  // A router that the path does not pass, in an AS that it does not pass either.
  Ipv4Addr stranger() const {
    std::set<std::uint32_t> own;
    for (const sim::Hop& hop : truth_.hops) own.insert(hop.as_number);
    Ipv4Addr found;
    world_.for_each_interface([&](sim::RouterId, Ipv4Addr address) {
      const auto asn = world_.origin(address);
      if (asn && !own.contains(*asn)) found = address;
    });
    return found;
  }
  Evaluation scored(const ReversePath& path) {
    Evaluation into;
    Truth(world_, prefixes_).score(path, kEpochNs, into);
    return into;
  }

  sim::World& world_ = testing::small_world();
  const controller::PrefixTable prefixes_ = prefixes_of(world_);
  Ipv4Addr src_, dst_;
  sim::Path truth_;
};

TEST_F(TruthTest, TheTrueHopsAreCompleteAndAllRight) {
  const Evaluation result = scored(whole());
  EXPECT_EQ(result.of_measured.paths, 1U);
  EXPECT_EQ(result.of_measured.complete, 1U);
  EXPECT_EQ(result.hops.at(5).right, truth_.hops.size());
  EXPECT_EQ(result.hops.at(5).wrong + result.hops.at(5).unknown, 0U);
  EXPECT_EQ(result.routers, truth_.hops.size());
  EXPECT_EQ(result.routers_found, truth_.hops.size());
}

TEST_F(TruthTest, AnAsWithoutHopsIsMissing) {
  const std::uint32_t left_out = middle_as();
  const Evaluation result = scored(
      path(HopType::kRecordRoute, [&](const sim::Hop& hop) { return hop.as_number == left_out; }));
  EXPECT_EQ(result.of_measured.missing_one, 1U);
  EXPECT_EQ(result.of_measured.complete + result.of_measured.wrong, 0U);
  EXPECT_LT(result.routers_found, result.routers);
}

TEST_F(TruthTest, WhatIsCountedIsToldOfEachPath) {
  Evaluation result;
  Truth truth(world_, prefixes_);
  ReversePath good = whole();
  good.id = 4;
  ReversePath bad = whole(HopType::kSymmetryAcrossAses);
  bad.id = 2;
  bad.hops[1].address = stranger();
  truth.score(good, kEpochNs, result);
  truth.score(bad, kEpochNs, result);
  ASSERT_EQ(result.each.size(), 2U);
  EXPECT_EQ(result.each[0].request, 4U);
  EXPECT_EQ(result.each[0].right, truth_.hops.size());
  EXPECT_EQ(result.each[0].wrong, 0U);
  EXPECT_EQ(result.each[0].ases, PathScore::Ases::kComplete);
  EXPECT_TRUE(result.each[0].is_measured);
  EXPECT_EQ(result.each[1].request, 2U);
  EXPECT_EQ(result.each[1].right, truth_.hops.size() - 1);
  EXPECT_EQ(result.each[1].wrong, 1U);
  EXPECT_EQ(result.each[1].ases, PathScore::Ases::kWrong);
  EXPECT_FALSE(result.each[1].is_measured);
}

TEST_F(TruthTest, TwoAsesWithoutHopsAreMore) {
  const std::uint32_t first = middle_as(), second = middle_as(1);
  ASSERT_NE(second, 0U);
  const Evaluation result = scored(path(HopType::kRecordRoute, [&](const sim::Hop& hop) {
    return hop.as_number == first || hop.as_number == second;
  }));
  EXPECT_EQ(result.of_measured.missing_more, 1U);
}

TEST_F(TruthTest, AnAsThatIsNotOnThePathIsWrongHoweverCompleteTheRestIs) {
  ReversePath path = whole();
  path.hops.insert(path.hops.end() - 1, {.address = stranger(), .type = HopType::kRecordRoute});
  const Evaluation result = scored(path);
  EXPECT_EQ(result.of_measured.wrong, 1U);
  EXPECT_EQ(result.of_measured.complete, 0U);
  EXPECT_EQ(result.hops.at(5).wrong, 1U);
}

TEST_F(TruthTest, EachInterfaceOfARouterOnThePathIsRight) {
  ReversePath path = whole();
  path.hops[1].address = truth_.hops[0].loopback;
  EXPECT_EQ(scored(path).hops.at(5).right, truth_.hops.size());
}

TEST_F(TruthTest, AnAddressThatNoRouterHasIsNeitherRightNorWrong) {
  ReversePath path = whole();
  path.hops.insert(path.hops.begin() + 1,
                   {.address = Ipv4Addr{0x0a000001}, .type = HopType::kAtlasTraceroute});
  const Evaluation result = scored(path);
  EXPECT_EQ(result.hops.at(3).unknown, 1U);
  EXPECT_EQ(result.of_measured.complete, 1U);
}

TEST_F(TruthTest, ARouterThatDidNotSayWhoItIsCountsForNothing) {
  ReversePath path = whole();
  path.hops.insert(path.hops.begin() + 1, ReverseHop{.address = {}, .type = HopType::kRecordRoute});
  const Evaluation result = scored(path);
  EXPECT_EQ(result.hops.at(5).right, truth_.hops.size());
  EXPECT_EQ(result.hops.at(5).unknown, 0U);
}

TEST_F(TruthTest, WithSymmetryAcrossAsesAPathIsReachedButNotMeasured) {
  const Evaluation result = scored(whole(HopType::kSymmetryAcrossAses));
  EXPECT_EQ(result.measured, 0U);
  EXPECT_EQ(result.of_measured.paths, 0U);
  EXPECT_EQ(result.all.complete, 1U);
}

TEST_F(TruthTest, AnExchangesAddressIsOfTheAsWhoseRouterHasIt) {
  std::map<std::uint32_t, sim::RouterId> router_of;
  world_.for_each_interface(
      [&](sim::RouterId router, Ipv4Addr address) { router_of[address.value] = router; });
  std::size_t members = 0;
  world_.for_each_exchange_member([&](Ipv4Addr address, std::uint32_t as_number) {
    ++members;
    EXPECT_FALSE(world_.origin(address)) << probes::to_string(address);
    EXPECT_EQ(prefixes_.asn(address), as_number);
    const sim::Endpoint at = world_.endpoint(address);
    ASSERT_EQ(at.kind, sim::Endpoint::Kind::kRouter);
    EXPECT_EQ(at.router, router_of.at(address.value));
    EXPECT_EQ(world_.internet().ases[at.as].number, as_number);
  });
  EXPECT_GT(members, 0U);
}

TEST_F(TruthTest, EachPathEndsInExactlyOneScore) {
  Evaluation result;
  Truth truth(world_, prefixes_);
  for (std::uint64_t number = 1; number <= 200; ++number) {
    ReversePath path;
    path.src = src_;
    path.dst = testing::host(world_, number);
    path.hops = {{.address = path.dst}, {.address = path.src}};
    if (number % 2 == 0) path.hops.insert(path.hops.begin() + 1, {.address = stranger()});
    truth.score(path, kEpochNs, result);
  }
  const AsScore& all = result.all;
  EXPECT_GT(all.paths, 0U);
  EXPECT_EQ(all.complete + all.missing_one + all.missing_more + all.wrong, all.paths);
}

}  // namespace
}  // namespace backsight::evaluation
