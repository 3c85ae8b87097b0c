// Routers' aliases against a list of sets.
#include "controller/annotation/alias_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "data_files.h"

namespace backsight::controller {
namespace {

using probes::Ipv4Addr;
using testing::ElementsAre;
using testing::HasSubstr;

Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }

AliasTable::Read read_text(const std::string& text) {
  const DataFolder folder;
  auto read = AliasTable::read(folder.write("aliases.txt", text));
  EXPECT_TRUE(read) << read.error().sentence;
  return read ? std::move(*read) : AliasTable::Read{};
}

TEST(AliasTable, TakesAnAddressWithoutAliasAsARouter) {
  const AliasTable table;
  EXPECT_EQ(table.find(address("192.0.2.1")), address("192.0.2.1"));
  EXPECT_THAT(table.all_of(address("192.0.2.1")), ElementsAre(address("192.0.2.1")));
  EXPECT_TRUE(table.same(address("192.0.2.1"), address("192.0.2.1")));
  EXPECT_FALSE(table.same(address("192.0.2.1"), address("192.0.2.2")));
  EXPECT_EQ(table.routers(), 0U);
}

TEST(AliasTable, ReadsOneRouterALine) {
  const auto read = read_text(
      "# routers\n"
      "192.0.2.9 192.0.2.1\t192.0.2.5\r\n"
      "\n"
      "node N7:  198.51.100.1 198.51.100.2\n"
      "203.0.113.1   # alone\n");
  EXPECT_THAT(read.complaints, ElementsAre());
  EXPECT_EQ(read.table.routers(), 2U);
  EXPECT_EQ(read.table.find(address("192.0.2.9")), address("192.0.2.1"));
  EXPECT_THAT(read.table.all_of(address("192.0.2.5")),
              ElementsAre(address("192.0.2.1"), address("192.0.2.5"), address("192.0.2.9")));
  EXPECT_TRUE(read.table.same(address("198.51.100.2"), address("198.51.100.1")));
  EXPECT_FALSE(read.table.same(address("198.51.100.2"), address("192.0.2.1")));
}

TEST(AliasTable, MakesLinesThatShareAnAddressOneRouter) {
  const auto read = read_text("192.0.2.1 192.0.2.2\n192.0.2.3 192.0.2.4\n192.0.2.4 192.0.2.2\n");
  EXPECT_EQ(read.table.routers(), 1U);
  EXPECT_EQ(read.table.all_of(address("192.0.2.3")).size(), 4U);
}

TEST(AliasTable, JoinsNoRoutersByAnAddressThatNamesNobody) {
  for (const char* nobody : {"10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.0.1",
                             "192.0.0.1", "127.0.0.1", "0.0.0.0", "224.0.0.5", "255.255.255.255"}) {
    SCOPED_TRACE(nobody);
    const std::string line = std::string(" ") + nobody + "\n";
    auto read =
        read_text("192.0.2.1 192.0.2.9" + line + "192.0.2.2" + line + nobody + " 192.0.2.3\n");
    EXPECT_EQ(read.complaints.size(), 3U);
    EXPECT_THAT(read.complaints[0], HasSubstr("is private or reserved: it joins no routers"));
    EXPECT_EQ(read.table.routers(), 1U);
    EXPECT_TRUE(read.table.same(address("192.0.2.1"), address("192.0.2.9")));
    EXPECT_FALSE(read.table.same(address("192.0.2.1"), address("192.0.2.2")));
    EXPECT_FALSE(read.table.same(address("192.0.2.2"), address("192.0.2.3")));
    read.table.unite(address("192.0.2.2"), address(nobody));
    read.table.unite(address(nobody), address("192.0.2.3"));
    EXPECT_FALSE(read.table.same(address("192.0.2.2"), address("192.0.2.3")));
    EXPECT_FALSE(read.table.same(address(nobody), address(nobody)));
    EXPECT_TRUE(read.table.agree(address(nobody), address(nobody)));
  }
}

TEST(AliasTable, SkipsOddWordsAndTellsThem) {
  const auto read = read_text("192.0.2.1 r1.example 192.0.2.2\n224.0.0.1 2001:db8::1 192.0.2.3\n");
  EXPECT_TRUE(read.table.same(address("192.0.2.1"), address("192.0.2.2")));
  EXPECT_EQ(read.table.routers(), 1U);
  EXPECT_THAT(read.complaints, ElementsAre(HasSubstr("line 1: \"r1.example\" is no IPv4 address"),
                                           HasSubstr("line 2: \"224.0.0.1\""),
                                           HasSubstr("line 2: \"2001:db8::1\"")));
}

TEST(AliasTable, ReadsItdkAsItIsPacked) {
  const std::string nodes =
      "# Date: 2026-01\nnode N1:  192.0.2.1 192.0.2.2\nnode N2:  192.0.2.3\n"
      "node N3:  224.0.0.1 198.51.100.1 198.51.100.2\n";
  const DataFolder folder;
  const auto read =
      AliasTable::read(folder.write("midar.nodes.bz2", packed(Packing::kBzip2, nodes)));
  ASSERT_TRUE(read) << read.error().sentence;
  EXPECT_EQ(read->table.routers(), 2U);
  EXPECT_EQ(read->alone, 1U);
  EXPECT_EQ(read->passed, 1U);
}

TEST(AliasTable, RefusesAFileThatJoinsNothing) {
  const DataFolder folder;
  const auto refusal = [&](const std::string& text) {
    const auto read = AliasTable::read(folder.write("aliases.txt", text));
    return read ? "" : read.error().sentence;
  };
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(refusal("# none yet\n"), HasSubstr("no router with two addresses"));
  EXPECT_THAT(refusal("192.0.2.1\n192.0.2.2\n"), HasSubstr("no router with two addresses"));
  EXPECT_THAT(refusal("no\nrow\n"), HasSubstr("line 1: \"no\" is no IPv4 address"));
}

TEST(AliasTable, TakesAllThatAnotherKnows) {
  AliasTable table;
  table.unite(address("192.0.2.1"), address("192.0.2.2"));
  table.add(read_text("192.0.2.2 192.0.2.3\n198.51.100.1 198.51.100.2\n").table);
  EXPECT_EQ(table.routers(), 2U);
  EXPECT_TRUE(table.same(address("192.0.2.1"), address("192.0.2.3")));
}

TEST(AliasTable, AgreesWithAListOfSets) {
  constexpr std::uint32_t kFirst = 0xc6336400;  // 198.51.100.0
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    AliasTable table;
    std::vector<std::set<Ipv4Addr>> sets;
    for (std::uint32_t i = 0; i < 100; ++i) sets.push_back({Ipv4Addr{kFirst + i}});
    const auto set_of = [&sets](Ipv4Addr one) {
      return std::find_if(sets.begin(), sets.end(),
                          [&](const auto& set) { return set.contains(one); });
    };
    for (int step = 0; step < 80; ++step) {
      const Ipv4Addr one{kFirst + static_cast<std::uint32_t>(random() % 100)};
      const Ipv4Addr other{kFirst + static_cast<std::uint32_t>(random() % 100)};
      table.unite(one, other);
      const auto from = set_of(other);
      if (from != set_of(one)) {
        set_of(one)->insert(from->begin(), from->end());
        sets.erase(from);
      }
    }
    std::size_t routers = 0;
    for (const auto& set : sets) {
      routers += set.size() > 1 ? 1 : 0;
      for (const Ipv4Addr member : set) {
        ASSERT_EQ(table.find(member), *set.begin());
        ASSERT_EQ(table.all_of(member), std::vector(set.begin(), set.end()));
      }
    }
    ASSERT_EQ(table.routers(), routers);
  }
}

}  // namespace
}  // namespace backsight::controller
