// Prefix-to-AS tables against a list that is walked.
#include "controller/annotation/prefix_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "data_files.h"
#include "probes/ip/special_purpose.h"

namespace backsight::controller {
namespace {

using probes::Ipv4Addr;
using testing::ElementsAre;
using testing::HasSubstr;

Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }

PrefixTable::Read read_text(const std::string& text) {
  const DataFolder folder;
  auto read = PrefixTable::read(folder.write("pfx2as.txt", text));
  EXPECT_TRUE(read) << read.error().sentence;
  return read ? std::move(*read) : PrefixTable::Read{};
}

std::string refusal(const std::string& text) {
  const DataFolder folder;
  const auto read = PrefixTable::read(folder.write("pfx2as.txt", text));
  return read ? "" : read.error().sentence;
}

TEST(PrefixTable, KnowsNothingWhenEmpty) {
  const PrefixTable table;
  EXPECT_FALSE(table.find(address("192.0.2.1")));
  EXPECT_EQ(table.asn(address("192.0.2.1")), 0U);
  EXPECT_EQ(PrefixTable::of({}).asn(address("0.0.0.0")), 0U);
}

TEST(PrefixTable, FindsTheLongestPrefix) {
  const PrefixTable table = read_text(
                                "192.0.0.0\t16\t64500\n"
                                "192.0.2.0\t24\t64501\n"
                                "192.0.2.128\t25\t64502\n"
                                "192.0.2.255\t32\t64503\n")
                                .table;
  EXPECT_EQ(table.size(), 4U);
  EXPECT_EQ(table.asn(address("192.0.1.255")), 64500U);
  EXPECT_EQ(table.asn(address("192.0.2.0")), 64501U);
  EXPECT_EQ(table.asn(address("192.0.2.127")), 64501U);
  EXPECT_EQ(table.asn(address("192.0.2.128")), 64502U);
  EXPECT_EQ(table.asn(address("192.0.2.254")), 64502U);
  EXPECT_EQ(table.asn(address("192.0.2.255")), 64503U);
  EXPECT_EQ(table.asn(address("192.0.3.0")), 64500U);
  EXPECT_EQ(table.asn(address("192.1.0.0")), 0U);
  EXPECT_EQ(table.asn(address("191.255.255.255")), 0U);
  const auto origin = table.find(address("192.0.2.200"));
  ASSERT_TRUE(origin);
  EXPECT_EQ(probes::to_string(origin->prefix), "192.0.2.128/25");
}

TEST(PrefixTable, ReachesBothEndsOfTheAddresses) {
  const PrefixTable table =
      read_text("1.0.0.0\t8\t1\n1.0.0.0\t32\t2\n223.0.0.0\t8\t4\n223.255.255.255\t32\t3\n").table;
  EXPECT_EQ(table.asn(address("0.255.255.255")), 0U);
  EXPECT_EQ(table.asn(address("1.0.0.0")), 2U);
  EXPECT_EQ(table.asn(address("1.0.0.1")), 1U);
  EXPECT_EQ(table.asn(address("223.255.255.254")), 4U);
  EXPECT_EQ(table.asn(address("223.255.255.255")), 3U);
  EXPECT_EQ(table.asn(address("224.0.0.0")), 0U);
  EXPECT_EQ(PrefixTable::of({{{{0xff000000}, 8}, 9}}).asn(address("255.255.255.255")), 0U);
}

TEST(PrefixTable, TakesTheFirstOfSeveralOrigins) {
  const PrefixTable table = read_text(
                                "192.0.2.0\t24\t64500_64501\n"
                                "198.51.100.0\t24\t64502,64503\n"
                                "203.0.113.0\t24\t64504,64505_64506\n"
                                "203.0.113.0\t24\t64507\n")
                                .table;
  EXPECT_EQ(table.asn(address("192.0.2.1")), 64500U);
  EXPECT_EQ(table.asn(address("198.51.100.1")), 64502U);
  EXPECT_EQ(table.asn(address("203.0.113.1")), 64504U);
  EXPECT_EQ(table.size(), 3U);
}

TEST(PrefixTable, SkipsOddRowsAndTellsThem) {
  const auto read = read_text(
      "# prefix\tlength\tAS\n"
      "\n"
      "192.0.2.0\t24\t64500\r\n"
      "192.0.2.1\t24\t64500\n"
      "192.0.2.0\t33\t64500\n"
      "192.0.2.0\t24\n"
      "2001:db8::\t32\t64500\n"
      "192.0.2\t24\t64500\n"
      "198.51.100.0\t24\t4294967296\n"
      "198.51.100.0\t24\t0\n");
  EXPECT_EQ(read.table.size(), 1U);
  EXPECT_EQ(read.table.asn(address("192.0.2.9")), 64500U);
  EXPECT_THAT(
      read.complaints,
      ElementsAre(HasSubstr("pfx2as.txt: line 4: 192.0.2.1/24 has bits set behind the "
                            "prefix; the prefix is 192.0.2.0"),
                  HasSubstr("line 5: \"33\" is no prefix length"),
                  HasSubstr("line 6: \"\" is no AS number"), HasSubstr("line 7: an IPv6 prefix"),
                  HasSubstr("line 8: \"192.0.2\" is no IPv4 address"),
                  HasSubstr("in 2 more lines")));
}

TEST(PrefixTable, RefusesAFileWithoutAGoodRow) {
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(refusal("# nothing yet\n"), HasSubstr("holds no prefix"));
  EXPECT_THAT(refusal("2001:db8::\t32\t64500\n"), HasSubstr("an IPv6 prefix"));
  EXPECT_THAT(refusal("prefixes:\n - 192.0.2.0/24\n"),
              HasSubstr("line 1: \"prefixes:\" is no IPv4 address"));
  const DataFolder folder;
  EXPECT_THAT(PrefixTable::read(folder.path() / "none").error().sentence,
              HasSubstr("does not exist"));
  EXPECT_THAT(PrefixTable::read(folder.path()).error().sentence, HasSubstr("is a directory"));
}

TEST(PrefixTable, ReadsPackedFilesAndRefusesCutOnes) {
  const DataFolder folder;
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += fmt::format("20.{}.{}.0\t24\t{}\n", i / 256, i % 256, i + 1);
  const auto file = folder.write_packed("pfx2as.gz", text);
  const auto read = PrefixTable::read(file);
  ASSERT_TRUE(read) << read.error().sentence;
  EXPECT_EQ(read->table.size(), 1000U);
  EXPECT_EQ(read->table.asn(address("20.3.231.7")), 1000U);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  EXPECT_THAT(PrefixTable::read(file).error().sentence, HasSubstr("was cut"));
}

TEST(PrefixTable, ReadsThePrefixesOfPyasnAndBdrmapit) {
  const auto read = read_text(
      "; IP-ASN32-DAT file\n; Original file : rib.20260101.bz2\n"
      "192.0.2.0/24\t64500\n198.51.100.0/24 64501\n203.0.113.0/24\t{64502,64503}\n"
      "10.0.0.0/8 -100\n2001:db8::/32\t64500\n");
  EXPECT_EQ(read.table.size(), 3U);
  EXPECT_EQ(read.table.asn(address("192.0.2.1")), 64500U);
  EXPECT_EQ(read.table.asn(address("198.51.100.1")), 64501U);
  EXPECT_EQ(read.table.asn(address("203.0.113.1")), 64502U);
  EXPECT_EQ(read.passed, 2U);
}

TEST(PrefixTable, ReadsTheAnnotationsOfBdrmapit) {
  const auto read = read_text(
      "addr,router,asn,org,conn_asn,conn_org,rtype,itype\n"
      "192.0.2.1,N1,64500,\"Example, Inc.\",64501,Other,1,0\n"
      "\"192.0.2.2\",N1,\"64502\",x,-1,x,1,0\r\n"
      "192.0.2.3,N2,-1,x,-1,x,1,0\n"
      "2001:db8::1,N3,64500,x,64500,x,1,0\n"
      "192.0.2.4\n");
  EXPECT_EQ(read.table.size(), 2U);
  EXPECT_EQ(read.table.asn(address("192.0.2.1")), 64500U);
  EXPECT_EQ(read.table.asn(address("192.0.2.2")), 64502U);
  EXPECT_EQ(read.passed, 3U);
  EXPECT_THAT(read.complaints,
              ElementsAre(HasSubstr("line 4: \"-1\" is no AS number"), HasSubstr("line 5: an IPv6"),
                          HasSubstr("line 6: has fewer cells")));
}

TEST(PrefixTable, TakesNoDefaultRouteForANetwork) {
  const DataFolder folder;
  const auto read =
      PrefixTable::read(folder.write("pfx2as.txt",
                                     "0.0.0.0\t0\t64500\n128.0.0.0\t1\t64501\n198.0.0.0\t7\t64502\n"
                                     "20.0.0.0\t8\t64503\n198.51.100.0\t24\t64504\n"));
  ASSERT_TRUE(read) << read.error().sentence;
  EXPECT_EQ(read->table.size(), 2U);
  EXPECT_EQ(read->table.asn(address("20.1.2.3")), 64503U);
  EXPECT_EQ(read->table.asn(address("198.51.100.9")), 64504U);
  EXPECT_FALSE(read->table.find(address("203.0.113.7")));
  EXPECT_FALSE(read->table.find(address("8.8.8.8")));
  ASSERT_EQ(read->complaints.size(), 3U);
  EXPECT_THAT(read->complaints[0],
              HasSubstr("line 1: 0.0.0.0/0 is a default route: nobody's network is so large"));
  const auto alone = PrefixTable::read(folder.write("default.txt", "0.0.0.0\t0\t64500\n"));
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().sentence, HasSubstr("is a default route"));
}

TEST(PrefixTable, KnowsNobodyBehindAPrivateAddressWhoeverAnnouncesIt) {
  const auto table = PrefixTable::of({{{{0x0a000000}, 8}, 1},
                                      {{{0xc0000000}, 8}, 2},
                                      {{{0x64000000}, 8}, 3},
                                      {{{0xac100000}, 12}, 4}});
  for (const char* nobody :
       {"10.0.0.1", "192.168.1.1", "192.0.0.1", "100.64.0.1", "100.127.255.255", "172.16.0.1",
        "172.31.255.255", "169.254.1.1", "127.0.0.1", "0.0.0.0", "224.0.0.5", "240.0.0.1",
        "255.255.255.255", "192.88.99.1"}) {
    EXPECT_EQ(table.asn(address(nobody)), 0U) << nobody;
    EXPECT_FALSE(table.find(address(nobody))) << nobody;
  }
  EXPECT_EQ(table.asn(address("192.0.2.1")), 2U);
  EXPECT_EQ(table.asn(address("192.167.255.255")), 2U);
  EXPECT_EQ(table.asn(address("100.63.255.255")), 3U);
  EXPECT_EQ(table.asn(address("100.128.0.0")), 3U);
}

TEST(PrefixTable, AgreesWithAListThatIsWalked) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const std::uint32_t base = static_cast<std::uint32_t>(random());
    const std::uint32_t spread = seed % 2 == 0 ? 0xffffffffU : 0x0003ffffU;
    std::vector<Origin> origins;
    for (std::uint32_t i = 1; i <= 200; ++i) {
      Origin origin;
      origin.prefix.length = static_cast<std::uint8_t>(random() % 33);
      origin.prefix.base.value =
          (base ^ (static_cast<std::uint32_t>(random()) & spread)) & origin.prefix.mask();
      origin.asn = i;
      origins.push_back(origin);
    }
    const PrefixTable table = PrefixTable::of(origins);
    for (int i = 0; i < 3000; ++i) {
      // About prefixes' edges, and anywhere.
      const Origin& near = origins[random() % origins.size()];
      const std::uint32_t edge =
          random() % 2 == 0 ? near.prefix.base.value : near.prefix.base.value | ~near.prefix.mask();
      const Ipv4Addr wanted{random() % 4 == 0
                                ? base ^ (static_cast<std::uint32_t>(random()) & spread)
                                : edge + static_cast<std::uint32_t>(random() % 3) - 1};
      const Origin* best = nullptr;
      for (const Origin& origin : origins) {
        if (!origin.prefix.contains(wanted) || origin.prefix.length < PrefixTable::kShortest)
          continue;
        if (best == nullptr || origin.prefix.length > best->prefix.length) best = &origin;
      }
      const bool is_nobodys = best == nullptr || probes::names_nobody(wanted);
      ASSERT_EQ(table.asn(wanted), is_nobodys ? 0 : best->asn) << probes::to_string(wanted);
    }
  }
}

}  // namespace
}  // namespace backsight::controller
