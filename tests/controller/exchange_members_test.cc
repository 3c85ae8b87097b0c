// PeeringDB's netixlan, as it comes and as it should not.
#include "controller/annotation/exchange_members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_files.h"

namespace backsight::controller {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Two rows as the API gives them, one of a member without IPv4.
const std::string kAnswer = R"({"data": [
  {"id": 1, "net_id": 2, "ix_id": 26, "name": "Example-IX", "ixlan_id": 26, "notes": "",
   "speed": 100000, "asn": 64500, "ipaddr4": "198.51.100.1", "ipaddr6": "2001:db8::1",
   "is_rs_peer": true, "operational": true, "status": "ok"},
  {"id": 2, "asn": 4200000000, "ipaddr4": "198.51.100.2", "ipaddr6": null},
  {"id": 3, "asn": 64502, "ipaddr4": null, "ipaddr6": "2001:db8::3"}
], "meta": {}})";

ExchangeMembers read_text(const std::string& text) {
  const DataFolder folder;
  auto read = read_exchange_members(folder.write("netixlan.json", text));
  EXPECT_TRUE(read) << read.error().sentence;
  return read ? std::move(*read) : ExchangeMembers{};
}

std::string refusal(const std::string& text) {
  const DataFolder folder;
  const auto read = read_exchange_members(folder.write("netixlan.json", text));
  return read ? "" : read.error().sentence;
}

TEST(ExchangeMembers, AreEachAnAddressWithItsAs) {
  const ExchangeMembers read = read_text(kAnswer);
  ASSERT_EQ(read.members.size(), 2U);
  EXPECT_EQ(probes::to_string(read.members[0].prefix), "198.51.100.1/32");
  EXPECT_EQ(read.members[0].asn, 64500U);
  EXPECT_EQ(probes::to_string(read.members[1].prefix), "198.51.100.2/32");
  EXPECT_EQ(read.members[1].asn, 4200000000U);
  EXPECT_TRUE(read.complaints.empty());
}

TEST(ExchangeMembers, AreReadFromAPackedFile) {
  const DataFolder folder;
  const auto read = read_exchange_members(folder.write_packed("netixlan.json.gz", kAnswer));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->members.size(), 2U);
}

TEST(ExchangeMembers, JoinTheTableAndLeaveItsOwnRowsAlone) {
  const PrefixTable announced =
      PrefixTable::of({{probes::parse_prefix("198.51.100.0/24").value(), 64510},
                       {probes::parse_prefix("198.51.100.2/32").value(), 64511}});
  const PrefixTable table = announced.with(read_text(kAnswer).members);
  EXPECT_EQ(table.asn(probes::parse_ipv4("198.51.100.1").value()), 64500U);
  EXPECT_EQ(table.asn(probes::parse_ipv4("198.51.100.2").value()), 64511U);
  EXPECT_EQ(table.asn(probes::parse_ipv4("198.51.100.3").value()), 64510U);
}

TEST(ExchangeMembers, AreTheLivingAndNotTheDeleted) {
  const ExchangeMembers read = read_text(R"({"data": [
    {"asn": 64666, "ipaddr4": "198.51.100.1", "status": "deleted"},
    {"asn": 64500, "ipaddr4": "198.51.100.1", "status": "ok"},
    {"asn": 64667, "ipaddr4": "198.51.100.1", "status": "pending"},
    {"asn": 64668, "ipaddr4": "198.51.100.2", "status": "deleted"}]})");
  const PrefixTable table = PrefixTable().with(read.members);
  EXPECT_EQ(table.asn(probes::parse_ipv4("198.51.100.1").value()), 64500U);
  EXPECT_EQ(table.asn(probes::parse_ipv4("198.51.100.2").value()), 0U);
  EXPECT_EQ(read.passed, 3U);
  EXPECT_THAT(read.complaints, ElementsAre(HasSubstr("3 rows whose status is not \"ok\"")));
  EXPECT_THAT(refusal(R"({"data": [{"asn": 1, "ipaddr4": "198.51.100.1", "status": "deleted"}]})"),
              HasSubstr("holds no IPv4 address"));
}

TEST(ExchangeMembers, ComeInADumpInPagesAndAlone) {
  const std::string one = R"({"asn": 64500, "ipaddr4": "198.51.100.1", "status": "ok"})";
  const std::string other = R"({"asn": 64501, "ipaddr4": "198.51.100.2", "status": "ok"})";
  for (const std::string& text :
       {R"({"org": {"data": [{"id": 1}]}, "netixlan": {"data": [)" + one + "," + other + "]}}",
        R"({"data": [)" + one + R"(], "meta": {}})" + "\n" + R"({"data": [)" + other + "]}\n",
        "[" + one + ", " + other + "]"}) {
    const ExchangeMembers read = read_text(text);
    ASSERT_EQ(read.members.size(), 2U) << text;
    EXPECT_EQ(read.members[0].asn, 64500U);
    EXPECT_EQ(read.members[1].asn, 64501U);
  }
}

TEST(ExchangeMembers, MayBeRowsOfAddresses) {
  const ExchangeMembers read = read_text("addr,asn\n198.51.100.1,64500\n198.51.100.2,64501\n");
  ASSERT_EQ(read.members.size(), 2U);
  EXPECT_EQ(probes::to_string(read.members[1].prefix), "198.51.100.2/32");
  EXPECT_EQ(read.members[1].asn, 64501U);
}

TEST(ExchangeMembers, SkipOddRowsAndTellThemByNumber) {
  const ExchangeMembers read = read_text(R"({"data": [
    {"asn": 64500, "ipaddr4": "198.51.100.1"}, 7, {"asn": 64500, "ipaddr4": "198.51.100"},
    {"asn": 64500, "ipaddr4": 5}, {"asn": 0, "ipaddr4": "198.51.100.4"},
    {"asn": 4294967296, "ipaddr4": "198.51.100.5"}, {"ipaddr4": "198.51.100.6"}, {}]})");
  EXPECT_EQ(read.members.size(), 1U);
  EXPECT_THAT(read.complaints, ElementsAre(HasSubstr("row 2: is no object"),
                                           HasSubstr("row 3: \"ipaddr4\" is no IPv4 address"),
                                           HasSubstr("row 4: \"ipaddr4\" is no IPv4 address"),
                                           HasSubstr("row 5: \"asn\" is no AS number"),
                                           HasSubstr("row 6: \"asn\" is no AS number"),
                                           HasSubstr("the same or the like in 1 more rows")));
}

TEST(ExchangeMembers, AreRefusedInOneSentenceThatSaysWhatIsWanted) {
  EXPECT_THAT(refusal("198.51.100.1\t64500\n"),
              AllOf(HasSubstr("line 1"), HasSubstr("PeeringDB answers for netixlan")));
  EXPECT_THAT(refusal(""), HasSubstr("netixlan"));
  EXPECT_THAT(refusal("[]"), HasSubstr("holds no IPv4 address"));
  EXPECT_THAT(refusal(R"({"data": []} x)"), HasSubstr("is no JSON"));
  EXPECT_THAT(refusal(R"({"data": 1})"), HasSubstr("has no array \"data\""));
  EXPECT_THAT(refusal(R"({"data": []})"), HasSubstr("holds no IPv4 address"));
  EXPECT_THAT(refusal(R"({"data": [{"asn": 1, "ipaddr4": "x"}]})"), HasSubstr("no row is better"));
}

TEST(ExchangeMembers, AreReadOrRefusedHoweverShortTheFileIsCut) {
  const DataFolder folder;
  for (std::size_t length = 0; length < kAnswer.size(); ++length) {
    const auto read =
        read_exchange_members(folder.write("netixlan.json", kAnswer.substr(0, length)));
    ASSERT_FALSE(read) << length;
    ASSERT_FALSE(read.error().sentence.empty());
  }
}

}  // namespace
}  // namespace backsight::controller
