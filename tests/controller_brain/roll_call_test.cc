// Whose announcements are believed, and that one odd among many costs the others nothing.
#include "controller/vantage/roll_call.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace backsight::controller {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Json = nlohmann::json;

constexpr std::uint64_t kUnixUs = 1'800'000'000'000'000;

class RollCallTest : public testing::Test {
 protected:
  // A status as docs/formats.md has it.
  [[nodiscard]] Json status(const std::string& name, int id) const {
    return {
        {"vp", name},
        {"id", id},
        {"state", "ready"},
        {"why", Json::array()},
        {"started_at_ns", 1},
        {"updated_at_ns", now.unix_us * 1000},
        {"ports",
         {{{"address", fmt::format("192.0.2.{}", id)}, {"gateway", fmt::format("192.0.2.254")}}}},
        {"rates", {{"asked_pps", 1000.0}}}};
  }
  // Looks at what stands there; a second passes.
  std::vector<std::string> look() {
    std::vector<RollCall::Read> all;
    for (const auto& [name, text] : there) all.push_back({name, text});
    for (const auto& [name, sentence] : unreadable) all.push_back({name, run_failed(sentence)});
    std::vector<std::string> names;
    for (const Announcement& it : roll_call.look(all, now)) {
      names.push_back(it.name + (it.is_old ? " (old)" : ""));
    }
    now.steady += kSecond;
    now.unix_us += 1'000'000;
    return names;
  }
  void announce_all() {
    for (auto& [name, id] : alive) there[name] = status(name, id).dump();
  }

  RollCall roll_call;
  Now now{kSecond, kUnixUs};
  std::map<std::string, std::string> there;
  std::map<std::string, std::string> unreadable;
  std::map<std::string, int> alive{{"ams01", 1}, {"fra02", 2}, {"waw03", 3}};
};

TEST_F(RollCallTest, WhoAnnouncesItselfIsHeard) {
  announce_all();
  EXPECT_THAT(look(), ElementsAre("ams01", "fra02", "waw03"));
  EXPECT_THAT(roll_call.take_complaints(), IsEmpty());
}

TEST_F(RollCallTest, AnOddOneIsToldOnceAndLeftOutAndTheOthersAreHeard) {
  announce_all();
  const Json good = status("fra02", 2);
  const auto with = [&](const char* pointer, const Json& value) {
    Json json = good;
    json[Json::json_pointer(pointer)] = value;
    return json.dump();
  };
  const auto without = [&](const char* key) {
    Json json = good;
    json.erase(key);
    return json.dump();
  };
  const std::vector<std::pair<std::string, std::string>> odd{
      {"", ""},
      {"{", "no JSON object"},
      {"[]", "no JSON object"},
      {"null", "no JSON object"},
      {std::string("\0\xff\xfe", 3), "no JSON object"},
      {std::string(2 << 20, ' '), "2097152 bytes long"},
      {std::string(100'000, '['), "no JSON object"},
      {with("/id", -1), "id is no whole number of 0 to 65535"},
      {with("/id", 65'536), "id is no whole number"},
      {with("/id", 1e300), "id is no whole number"},
      {with("/id", 2.5), "id is no whole number"},
      {with("/id", "2"), "id is no whole number"},
      {with("/id", 0), "id is 0"},
      {without("id"), "id is no whole number"},
      {with("/vp", 7), "vp is no text"},
      {with("/vp", "../etc"), "no name of a vantage point"},
      {with("/vp", "ams01"), "it is of ams01, and there can be one of a name"},
      {with("/ports", 3), "ports/0/address is no IPv4 address"},
      {with("/ports", Json::array()), "ports/0/address is no IPv4 address"},
      {with("/ports/0/address", "2001:db8::1"), "ports/0/address is no IPv4 address"},
      {with("/ports/0/address", "0.0.0.0"), "ports/0/address is no IPv4 address"},
      {with("/ports/0/gateway", 4), "ports/0/gateway is no IPv4 address"},
      {with("/rates/asked_pps", -5), "rates/asked_pps is no rate"},
      {with("/rates/asked_pps", 1e30), "rates/asked_pps is no rate"},
      {with("/rates/asked_pps", "fast"), "rates/asked_pps is no rate"},
      {with("/rates", "fast"), "rates/asked_pps is no rate"},
      {with("/state", 3), "state is no text"},
      {without("updated_at_ns"), "updated_at_ns is no whole number"},
      {with("/updated_at_ns", -1), "updated_at_ns is no whole number"},
      {with("/updated_at_ns", "now"), "updated_at_ns is no whole number"},
      {R"({"format": 9, "content": "of a version to come"})", "is it of another version?"}};
  for (const auto& [text, words] : odd) {
    SCOPED_TRACE(text.substr(0, 100));
    there["fra02"] = text;
    EXPECT_THAT(look(), ElementsAre("ams01", "waw03"));
    if (words.empty()) {
      EXPECT_THAT(roll_call.take_complaints(), IsEmpty());
      EXPECT_EQ(roll_call.left_out(), 0U);
    } else {
      EXPECT_THAT(
          roll_call.take_complaints(),
          ElementsAre(AllOf(HasSubstr("fra02: what it announces is left out"), HasSubstr(words))));
      EXPECT_EQ(roll_call.left_out(), 1U);
      announce_all();
      there["fra02"] = text;
      look();
      EXPECT_THAT(roll_call.take_complaints(), IsEmpty());
    }
    announce_all();
    EXPECT_THAT(look(), ElementsAre("ams01", "fra02", "waw03"));
    announce_all();
  }
}

TEST_F(RollCallTest, OneThatCannotBeReadCostsTheOthersNothing) {
  announce_all();
  there.erase("fra02");
  unreadable["fra02"] = "/queue/fra02/status.json: Permission denied";
  EXPECT_THAT(look(), ElementsAre("ams01", "waw03"));
  EXPECT_THAT(roll_call.take_complaints(), ElementsAre(HasSubstr("Permission denied")));
}

TEST_F(RollCallTest, OfTwoWithOneIdOrAddressTheFirstStays) {
  announce_all();
  look();
  const std::vector<std::pair<const char*, Json>> claims{{"/id", 2},
                                                         {"/ports/0/address", "192.0.2.2"}};
  for (const auto& [pointer, value] : claims) {
    announce_all();
    Json json = status("aaa00", 9);  // comes first in order, and later in time
    json[Json::json_pointer(pointer)] = value;
    there["aaa00"] = json.dump();
    EXPECT_THAT(look(), ElementsAre("ams01", "fra02", "waw03")) << pointer;
    EXPECT_THAT(roll_call.take_complaints(), ElementsAre(HasSubstr("of fra02: it is left out")));
  }
  // It is heard when the first has been silent for a while.
  std::vector<std::string> heard;
  alive.erase("fra02");
  alive["aaa00"] = 2;
  for (int seconds = 0; seconds < 12; ++seconds) {
    announce_all();
    heard = look();
  }
  EXPECT_THAT(heard, ElementsAre("aaa00", "ams01", "waw03"));
  EXPECT_THAT(roll_call.take_complaints(), SizeIs(1));  // when it took the id
}

TEST_F(RollCallTest, WhatWasWrittenLongAgoIsOfSomebodyWhoMayBeGone) {
  announce_all();
  now.unix_us += 3'600'000'000;
  EXPECT_THAT(look(), ElementsAre("ams01 (old)", "fra02 (old)", "waw03 (old)"));
  announce_all();
  EXPECT_THAT(look(), ElementsAre("ams01", "fra02", "waw03"));
}

TEST_F(RollCallTest, AClockThatIsFarOffIsToldAndItsOwnerHeardAllTheSame) {
  for (const char* direction : {"ahead of", "behind"}) {
    RollCall fresh;
    roll_call = std::move(fresh);
    for (int seconds = 0; seconds < 3; ++seconds) {
      announce_all();
      Json json = status("fra02", 2);
      const std::uint64_t year_ns = 31'536'000'000'000'000;
      json["updated_at_ns"] = std::string_view(direction) == "behind"
                                  ? now.unix_us * 1000 - year_ns
                                  : now.unix_us * 1000 + year_ns;
      there["fra02"] = json.dump();
      const auto heard = look();
      if (seconds > 0) {
        EXPECT_THAT(heard, ElementsAre("ams01", "fra02", "waw03"));
      }
    }
    EXPECT_THAT(roll_call.take_complaints(),
                ElementsAre(HasSubstr(fmt::format("fra02: its clock is {} ours", direction))));
  }
}

TEST(ParseAnnouncement, MakesWhyItIsNotReadyPrintable) {
  const auto said = parse_announcement(
      R"({"vp":"ams01","id":1,"state":"not_ready","why":["port eth1: \u001b[2J no carrier"],
          "ports":[{"address":"192.0.2.1","gateway":null}],"rates":{"asked_pps":0},
          "started_at_ns":1,"updated_at_ns":2})");
  ASSERT_TRUE(said) << said.error();
  EXPECT_FALSE(said->is_ready);
  EXPECT_EQ(said->why_not, "port eth1: ?[2J no carrier");
  EXPECT_TRUE(said->gateway.is_unspecified());
}

}  // namespace
}  // namespace backsight::controller
