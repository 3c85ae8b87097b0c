#include "config/lists/deny_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "lines.h"

namespace backsight::config {
namespace {

probes::Ipv4Addr addr(std::string_view text) { return probes::parse_ipv4(text).value(); }
probes::Ipv4Prefix prefix(std::string_view text) { return probes::parse_prefix(text).value(); }

std::string deny_faults(std::string_view text) {
  const auto set = parse_deny_list(text, "deny.txt");
  return set ? "none" : as_error(set.error()).sentence;
}

TEST(PrefixSet, ContainsNothingWhenEmpty) {
  EXPECT_FALSE(PrefixSet{}.contains(addr("0.0.0.0")));
  EXPECT_FALSE(PrefixSet{}.overlaps(prefix("0.0.0.0/0")));
  EXPECT_TRUE(PrefixSet{}.is_empty());
}

TEST(PrefixSet, ContainsBothEndsOfAPrefixAndNoMore) {
  const PrefixSet set(std::vector{prefix("198.51.100.128/25")});
  EXPECT_FALSE(set.contains(addr("198.51.100.127")));
  EXPECT_TRUE(set.contains(addr("198.51.100.128")));
  EXPECT_TRUE(set.contains(addr("198.51.100.255")));
  EXPECT_FALSE(set.contains(addr("198.51.101.0")));
}

TEST(PrefixSet, ContainsTheEndsOfTheAddressSpace) {
  const PrefixSet ends(std::vector{prefix("0.0.0.0"), prefix("255.255.255.255")});
  EXPECT_TRUE(ends.contains(addr("0.0.0.0")));
  EXPECT_FALSE(ends.contains(addr("0.0.0.1")));
  EXPECT_FALSE(ends.contains(addr("255.255.255.254")));
  EXPECT_TRUE(ends.contains(addr("255.255.255.255")));
  const PrefixSet all(std::vector{prefix("0.0.0.0/0"), prefix("10.0.0.0/8")});
  EXPECT_EQ(all.range_count(), 1U);
  EXPECT_TRUE(all.contains(addr("255.255.255.255")));
}

TEST(PrefixSet, MergesWhatOverlapsAndTouches) {
  const PrefixSet set(
      std::vector{prefix("10.0.1.0/24"), prefix("10.0.0.0/24"), prefix("10.0.0.0/28")});
  EXPECT_EQ(set.range_count(), 1U);
}

// Against a walk over all prefixes. Addresses are drawn near the edges, where errors live.
TEST(PrefixSet, AgreesWithADumbModel) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<probes::Ipv4Prefix> prefixes(random() % 40);
    for (probes::Ipv4Prefix& drawn : prefixes) {
      drawn.length = static_cast<std::uint8_t>(random() % 33);
      // Few distinct high bits, so that prefixes meet.
      drawn.base.value = static_cast<std::uint32_t>(random()) & 0xc0ff00ffU & drawn.mask();
    }
    if (round % 4 != 0) {
      std::erase_if(prefixes, [](probes::Ipv4Prefix drawn) { return drawn.length < 4; });
    }
    const PrefixSet set(prefixes);
    for (int i = 0; i < 500; ++i) {
      std::uint32_t value = static_cast<std::uint32_t>(random());
      if (!prefixes.empty() && i % 4 != 0) {
        const probes::Ipv4Prefix near = prefixes[random() % prefixes.size()];
        value = (i % 2 == 0 ? near.base.value : near.base.value | ~near.mask()) +
                static_cast<std::uint32_t>(random() % 3) - 1;
      }
      const probes::Ipv4Addr address{value};
      const bool expected = std::any_of(prefixes.begin(), prefixes.end(),
                                        [&](auto drawn) { return drawn.contains(address); });
      ASSERT_EQ(set.contains(address), expected) << to_string(address);
      const probes::Ipv4Prefix around{{value & 0xffffff00}, 24};
      const bool meets = std::any_of(prefixes.begin(), prefixes.end(), [&](auto drawn) {
        return drawn.contains(around.base) || around.contains(drawn.base);
      });
      ASSERT_EQ(set.overlaps(around), meets) << to_string(around);
    }
  }
}

TEST(DenyList, ReadsPrefixesCommentsAndEmptyLines) {
  const auto set = parse_deny_list(
      "# asked by mail\n\n198.51.100.0/24  # a network\r\n\t203.0.113.7\n192.0.2.0/25", "deny.txt");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->range_count(), 3U);
  EXPECT_TRUE(set->contains(addr("198.51.100.9")));
  EXPECT_TRUE(set->contains(addr("203.0.113.7")));
  EXPECT_FALSE(set->contains(addr("203.0.113.8")));
  EXPECT_TRUE(set->contains(addr("192.0.2.127")));
}

TEST(DenyList, ReportsAllBadLinesAtOnce) {
  EXPECT_EQ(deny_faults("198.51.100.7/24\n203.0.113.0/24\nexample.org # who\n192.0.2.0/33\n::1\n"),
            "deny.txt:1: \"198.51.100.7/24\" has bits set beyond its length, 198.51.100.0/24 has "
            "none; write one prefix a line, such as 198.51.100.0/24\n"
            "deny.txt:3: \"example.org\" is no IPv4 address; write one prefix a line, such as "
            "198.51.100.0/24\n"
            "deny.txt:4: \"192.0.2.0/33\" has a prefix length that is not within 0..32; write one "
            "prefix a line, such as 198.51.100.0/24\n"
            "deny.txt:5: \"::1\" is no IPv4 address; write one prefix a line, such as "
            "198.51.100.0/24");
}

TEST(DenyList, RefusesTwoPrefixesOnALine) {
  EXPECT_EQ(deny_faults("192.0.2.0/24 198.51.100.0/24"),
            "deny.txt:1: \"192.0.2.0/24 198.51.100.0/24\" has a prefix length that is not within "
            "0..32; write one prefix a line, such as 198.51.100.0/24");
}

TEST(DenyList, DeniesNothingWithoutAFile) {
  const auto set = load_deny_list("");
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->is_empty());
}

TEST(DenyList, LoadsAFileAndNamesItInFaults) {
  const TemporaryFolder folder;
  write_file(folder / "deny.txt", "192.0.2.0/24\n");
  EXPECT_TRUE(load_deny_list(folder / "deny.txt").value().contains(addr("192.0.2.1")));
  write_file(folder / "deny.txt", "x\n");
  const auto bad = load_deny_list(folder / "deny.txt");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().at(0).file, folder / "deny.txt");
  EXPECT_EQ(bad.error().at(0).line, 1);
  EXPECT_FALSE(load_deny_list(folder / "none.txt"));
}

TEST(Bogons, HoldTheSpecialPurposePrefixes) {
  const PrefixSet set(bogons());
  for (const auto* special :
       {"0.1.2.3", "10.0.0.1", "100.64.0.0", "100.127.255.255", "127.0.0.1", "169.254.1.1",
        "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255"}) {
    EXPECT_TRUE(set.contains(addr(special))) << special;
  }
}

TEST(Bogons, LeaveOutTheirNeighboursAndTheReachableOnes) {
  const PrefixSet set(bogons());
  for (const auto* reachable :
       {"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.31.196.1",
        "192.175.48.1", "192.52.193.1", "198.17.255.255", "198.20.0.0", "223.255.255.255"}) {
    EXPECT_FALSE(set.contains(addr(reachable))) << reachable;
  }
}

BogonPolicy policy_of(std::vector<std::string_view> ports, bool allow_bogons) {
  VpConfig config;
  for (const std::string_view port : ports) {
    config.ports.emplace_back().address = addr(port);
  }
  config.allow_bogons = allow_bogons;
  return BogonPolicy(config.allow_bogons, config.addresses());
}

TEST(BogonPolicy, RefusesBogonsFromTheInternet) {
  const BogonPolicy policy = policy_of({"1.1.1.1", "8.8.8.8"}, false);
  EXPECT_FALSE(policy.allows_bogons());
  EXPECT_TRUE(policy.refuses(addr("10.0.0.1")));
  EXPECT_TRUE(policy.refuses(addr("198.51.100.7")));
  EXPECT_FALSE(policy.refuses(addr("9.9.9.9")));
}

TEST(BogonPolicy, AllowsBogonsWhenTheConfigSaysSo) {
  const BogonPolicy policy = policy_of({"1.1.1.1"}, true);
  EXPECT_FALSE(policy.refuses(addr("10.0.0.1")));
  EXPECT_FALSE(policy.refuses(addr("203.0.113.1")));
}

TEST(BogonPolicy, AllowsBogonsToAVantagePointThatLivesAmongThem) {
  EXPECT_FALSE(policy_of({"192.0.2.10"}, false).refuses(addr("198.51.100.7")));
  EXPECT_FALSE(policy_of({"1.1.1.1", "10.0.0.1"}, false).refuses(addr("192.168.0.1")));
}

TEST(BogonPolicy, AlwaysRefusesWhatIsNoHost) {
  const BogonPolicy policy = policy_of({"192.0.2.10"}, true);
  for (const auto* never : {"0.0.0.0", "0.255.255.255", "127.0.0.1", "224.0.0.1", "239.255.255.255",
                            "240.0.0.0", "255.255.255.255"}) {
    EXPECT_TRUE(policy.refuses(addr(never))) << never;
  }
}

}  // namespace
}  // namespace backsight::config
