#include "probes/ip/address.h"

#include <gtest/gtest.h>

#include "probes/ip/host_name.h"
#include "probes/wire/mac_addr.h"

namespace backsight::probes {
namespace {

TEST(ParseIpv4, ReadsDottedDecimal) {
  EXPECT_EQ(parse_ipv4("192.0.2.1")->value, 0xc0000201u);
  EXPECT_EQ(parse_ipv4("0.0.0.0")->value, 0u);
  EXPECT_EQ(parse_ipv4("255.255.255.255")->value, 0xffffffffu);
}

TEST(ParseIpv4, RefusesAnythingElse) {
  for (const std::string_view text : {"",
                                      ".",
                                      "1.2.3",
                                      "1.2.3.",
                                      "1.2.3.4.",
                                      "1.2.3.4.5",
                                      "256.0.0.1",
                                      "1.2.3.256",
                                      "01.2.3.4",
                                      "1.2.3.00",
                                      "1..3.4",
                                      " 1.2.3.4",
                                      "1.2.3.4 ",
                                      "1.2.3.4/32",
                                      "-1.2.3.4",
                                      "+1.2.3.4",
                                      "1.2.3.4294967296",
                                      "1.2.3.99999999999999999999",
                                      "a.b.c.d",
                                      "::1",
                                      "0x1.2.3.4"}) {
    EXPECT_FALSE(parse_ipv4(text)) << '"' << text << '"';
  }
}

TEST(ParseIpv4, DoesNotReadBeyondItsText) {
  EXPECT_EQ(parse_ipv4(std::string_view("192.0.2.123").substr(0, 9))->value, 0xc0000201u);
}

TEST(EndsInNumber, TellsWhatResolversMightTakeForAnAddress) {
  for (const std::string_view text :
       {"010.1.1.1", "1.2", "3325256711", "0xc6336407", "0XFF", "0x", "1.2.3.4", "1.2.3.4.5",
        "256.1.1.1", "0", "1.2.3.4.", "example.7", "1.0x2"}) {
    EXPECT_TRUE(ends_in_number(text)) << text;
  }
  for (const std::string_view text :
       {"", ".", "localhost", "www.example.net", "7.example", "4.3.2.1.in-addr.arpa", "1e3", "x0",
        "0xz", "3com.com", "a:b"}) {
    EXPECT_FALSE(ends_in_number(text)) << text;
  }
}

TEST(ParsePrefix, ReadsPrefixesAndBareAddresses) {
  EXPECT_EQ(parse_prefix("192.0.2.0/24"), (Ipv4Prefix{{0xc0000200}, 24}));
  EXPECT_EQ(parse_prefix("0.0.0.0/0"), (Ipv4Prefix{{0}, 0}));
  EXPECT_EQ(parse_prefix("192.0.2.1"), (Ipv4Prefix{{0xc0000201}, 32}));
  EXPECT_EQ(parse_prefix("192.0.2.1/32"), (Ipv4Prefix{{0xc0000201}, 32}));
}

TEST(ParsePrefix, RefusesHostBitsAndBadLengths) {
  for (const std::string_view text : {"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/024",
                                      "/24", "", "192.0.2.0/24 ", "192.0.2/24", "128.0.0.0/0"}) {
    EXPECT_FALSE(parse_prefix(text)) << '"' << text << '"';
  }
}

TEST(Ipv4Prefix, ContainsItsAddressesOnly) {
  const Ipv4Prefix prefix = *parse_prefix("192.0.2.128/25");
  EXPECT_FALSE(prefix.contains(*parse_ipv4("192.0.2.127")));
  EXPECT_TRUE(prefix.contains(*parse_ipv4("192.0.2.128")));
  EXPECT_TRUE(prefix.contains(*parse_ipv4("192.0.2.255")));
  EXPECT_FALSE(prefix.contains(*parse_ipv4("192.0.3.0")));
  EXPECT_TRUE(parse_prefix("0.0.0.0/0")->contains(*parse_ipv4("203.0.113.9")));
}

TEST(ParseMac, ReadsSixPairs) {
  const auto mac = parse_mac("02:00:5e:10:Ff:01");
  ASSERT_TRUE(mac);
  EXPECT_EQ(to_string(*mac), "02:00:5e:10:ff:01");
}

TEST(ParseMac, RefusesAnythingElse) {
  for (const std::string_view text : {"", "02:00:5e:10:ff", "02:00:5e:10:ff:01:", "2:0:5e:10:ff:1",
                                      "02-00-5e-10-ff-01", "02:00:5e:10:ff:0g", "02005e10ff01"}) {
    EXPECT_FALSE(parse_mac(text)) << '"' << text << '"';
  }
}

TEST(ToString, WritesWhatParsersRead) {
  for (const std::string_view text : {"0.0.0.0", "192.0.2.1", "255.255.255.255"}) {
    EXPECT_EQ(to_string(*parse_ipv4(text)), text);
  }
  EXPECT_EQ(to_string(*parse_prefix("198.51.100.0/24")), "198.51.100.0/24");
  EXPECT_EQ(to_string(*parse_prefix("198.51.100.7")), "198.51.100.7/32");
}

}  // namespace
}  // namespace backsight::probes
