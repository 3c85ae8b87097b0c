#include "config/lists/enrolment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "lines.h"

namespace backsight::config {
namespace {

constexpr std::int64_t kNow = 1'790'000'000;  // in September 2026
// 2027-02-01T00:00:00Z, by date -u -d.
constexpr std::int64_t kFebruary2027 = 1'801'440'000;

const std::string kRemedy =
    "; write an address or a prefix, such as 198.51.100.7 or 198.51.100.0/24";

probes::Ipv4Addr addr(std::string_view text) { return probes::parse_ipv4(text).value(); }

Enrolment enrolment_of(const std::string& text) {
  const auto enrolment = parse_enrolment(text, "enrolled.yaml");
  EXPECT_TRUE(enrolment) << as_error(enrolment.error()).sentence;
  return enrolment.value_or(Enrolment{});
}

std::string enrolment_faults(const std::string& text) {
  const auto enrolment = parse_enrolment(text, "enrolled.yaml");
  return enrolment ? "none" : as_error(enrolment.error()).sentence;
}

TEST(Enrolment, AllowsNothingByDefault) {
  EXPECT_FALSE(Enrolment{}.allows(addr("192.0.2.1"), kNow));
  const auto without_file = load_enrolment("");
  ASSERT_TRUE(without_file);
  EXPECT_TRUE(without_file->is_empty());
  EXPECT_TRUE(enrolment_of("enrolled: []\n").is_empty());
  EXPECT_TRUE(enrolment_of("enrolled:\n").is_empty());
}

TEST(Enrolment, AllowsAddressesAndPrefixesAndNoMore) {
  const Enrolment enrolment = enrolment_of("enrolled:\n  - 198.51.100.7\n  - 203.0.113.0/25\n");
  EXPECT_FALSE(enrolment.allows(addr("198.51.100.6"), kNow));
  EXPECT_TRUE(enrolment.allows(addr("198.51.100.7"), kNow));
  EXPECT_FALSE(enrolment.allows(addr("198.51.100.8"), kNow));
  EXPECT_TRUE(enrolment.allows(addr("203.0.113.0"), kNow));
  EXPECT_TRUE(enrolment.allows(addr("203.0.113.127"), kNow));
  EXPECT_FALSE(enrolment.allows(addr("203.0.113.128"), kNow));
}

TEST(Enrolment, EndsWithItsLastDayUtc) {
  const Enrolment enrolment = enrolment_of(
      "enrolled:\n  - {address: 198.51.100.7, until: 2027-01-31, note: agreed by mail}\n");
  EXPECT_TRUE(enrolment.allows(addr("198.51.100.7"), kNow));
  EXPECT_TRUE(enrolment.allows(addr("198.51.100.7"), kFebruary2027 - 1));
  EXPECT_FALSE(enrolment.allows(addr("198.51.100.7"), kFebruary2027));
}

TEST(Enrolment, KnowsLeapDays) {
  const Enrolment enrolment =
      enrolment_of("enrolled: [{address: 198.51.100.7, until: 2028-02-29}]");
  constexpr std::int64_t kMarch2028 = 1'835'481'600;  // 2028-03-01T00:00:00Z
  EXPECT_TRUE(enrolment.allows(addr("198.51.100.7"), kMarch2028 - 1));
  EXPECT_FALSE(enrolment.allows(addr("198.51.100.7"), kMarch2028));
}

TEST(Enrolment, HoldsAsLongAsAnyEntryThatCoversIt) {
  const Enrolment enrolment = enrolment_of(
      "enrolled:\n"
      "  - {address: 198.51.100.0/24, until: 2027-01-31}\n"
      "  - 198.51.100.7\n"
      "  - {address: 198.51.100.8, until: 2020-01-01}\n");
  EXPECT_TRUE(enrolment.allows(addr("198.51.100.7"), kFebruary2027));
  EXPECT_FALSE(enrolment.allows(addr("198.51.100.6"), kFebruary2027));
  EXPECT_TRUE(enrolment.allows(addr("198.51.100.8"), kFebruary2027 - 1));
}

// Against a walk over all entries.
TEST(Enrolment, AgreesWithADumbModel) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<Enrolled> entries(random() % 30);
    for (Enrolled& entry : entries) {
      entry.prefix.length = static_cast<std::uint8_t>(24 + random() % 9);
      entry.prefix.base.value =
          (0xffffff00U | static_cast<std::uint32_t>(random() & 0xff)) & entry.prefix.mask();
      entry.expires = random() % 4 == 0 ? kNoExpiry : static_cast<std::int64_t>(random() % 6);
    }
    const Enrolment enrolment(entries);
    for (std::uint32_t low = 0; low < 256; ++low) {
      const probes::Ipv4Addr source{0xffffff00U | low};
      for (std::int64_t now = 0; now < 7; ++now) {
        const bool expected = std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
          return entry.prefix.contains(source) && now < entry.expires;
        });
        ASSERT_EQ(enrolment.allows(source, now), expected) << to_string(source) << " at " << now;
      }
    }
  }
}

TEST(Enrolment, ReportsAllBadEntriesAtOnce) {
  EXPECT_EQ(enrolment_faults("enrolled:\n"
                             "  - example.org\n"
                             "  - 198.51.100.7/24\n"
                             "  - address: 198.51.100.7\n"
                             "    until: 2027-02-29\n"
                             "  - until: 2027-01-31\n"
                             "  - address: 203.0.113.9\n"
                             "    untill: 2027-01-31\n"),
            "enrolled.yaml:2: enrolled.0: \"example.org\" is no IPv4 address" + kRemedy +
                "\nenrolled.yaml:3: enrolled.1: \"198.51.100.7/24\" has bits set beyond its "
                "length, 198.51.100.0/24 has none" +
                kRemedy +
                "\nenrolled.yaml:5: enrolled.2.until: \"2027-02-29\" is no day of the calendar; "
                "write the last day of consent as YYYY-MM-DD, such as 2027-01-31"
                "\nenrolled.yaml:6: enrolled.3.address: is missing" +
                kRemedy + "\nenrolled.yaml:8: enrolled.4.untill: is no key; did you mean until?");
}

TEST(Enrolment, RefusesDatesOfAnotherShape) {
  for (const std::string date : {"31.01.2027", "2027-1-31", "2027-01-31T00:00", "soon",
                                 "2027/01/31", "20270131", "+027-01-31"}) {
    EXPECT_EQ(enrolment_faults("enrolled: [{address: 198.51.100.7, until: \"" + date + "\"}]"),
              "enrolled.yaml:1: enrolled.0.until: \"" + date +
                  "\" is not a date; write the last day of consent as YYYY-MM-DD, such as "
                  "2027-01-31");
  }
  EXPECT_NE(enrolment_faults("enrolled: [{address: 198.51.100.7, until: 2027-13-01}]"), "none");
  EXPECT_NE(enrolment_faults("enrolled: [{address: 198.51.100.7, until: 2027-00-10}]"), "none");
  EXPECT_NE(enrolment_faults("enrolled: [{address: 198.51.100.7, until: 2027-01-00}]"), "none");
}

TEST(Enrolment, RefusesAddressesThatNoHostHas) {
  for (const std::string address :
       {"0.0.0.0/0", "127.0.0.1", "224.0.0.0/8", "255.255.255.255", "112.0.0.0/4"}) {
    EXPECT_EQ(enrolment_faults("enrolled: [" + address + "]"),
              "enrolled.yaml:1: enrolled.0: \"" + address + "\" covers addresses that no host has" +
                  kRemedy);
  }
}

TEST(Enrolment, RefusesAFileOfAnotherShape) {
  EXPECT_EQ(enrolment_faults(""),
            "enrolled.yaml: enrolled: is missing; write a list of addresses or prefixes, such as "
            "\"- 198.51.100.7\"");
  EXPECT_EQ(enrolment_faults("enrolled: 198.51.100.7\n"),
            "enrolled.yaml:1: enrolled: is not a list; write a list of addresses or prefixes, such "
            "as \"- 198.51.100.7\"");
  EXPECT_EQ(enrolment_faults("enrolled: [[198.51.100.7], ~]\n"),
            "enrolled.yaml:1: enrolled.0: is no address" + kRemedy +
                "\nenrolled.yaml:1: enrolled.1: is no address" + kRemedy);
  EXPECT_EQ(enrolment_faults("enroled: []\n"),
            "enrolled.yaml: enrolled: is missing; write a list of addresses or prefixes, such as "
            "\"- 198.51.100.7\"\n"
            "enrolled.yaml:1: enroled: is no key; did you mean enrolled?");
  EXPECT_NE(enrolment_faults("enrolled: [\n"), "none");
}

TEST(Enrolment, LoadsAFile) {
  const TemporaryFolder folder;
  write_file(folder / "enrolled.yaml", "enrolled: [198.51.100.7]\n");
  const auto enrolment = load_enrolment(folder / "enrolled.yaml");
  ASSERT_TRUE(enrolment);
  EXPECT_TRUE(enrolment->allows(addr("198.51.100.7"), kNow));
  EXPECT_FALSE(load_enrolment(folder / "none.yaml"));
}

}  // namespace
}  // namespace backsight::config
