// Addresses of either family, and the networks they are in.
#include "probes/ip/ip_addr.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include "golden.h"
#include "probes/ip/network.h"

namespace backsight::probes {
namespace {

using testing::ip;

IpAddr any(std::string_view text) { return parse_ip(text).value(); }

TEST(IpAddr, HoldsIpv4Mapped) {
  const IpAddr address(ip("192.0.2.1"));
  EXPECT_TRUE(address.is_ipv4());
  EXPECT_EQ(address.ipv4(), ip("192.0.2.1"));
  EXPECT_EQ(address.bytes(),
            (IpAddr::Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}));
}

TEST(IpAddr, NoIpv6AddressIsAnIpv4One) {
  for (const std::string_view text :
       {"::", "::1", "::c000:201", "::fffe:c000:201", "0:0:0:0:0:1:ffff:c000", "64:ff9b::c000:201",
        "2001:db8::ffff:c000:201"}) {
    EXPECT_FALSE(any(text).is_ipv4()) << text;
    EXPECT_NE(any(text), IpAddr(ip("192.0.2.1"))) << text;
  }
}

TEST(IpAddr, UnspecifiedOfBothFamilies) {
  EXPECT_TRUE(IpAddr().is_unspecified());
  EXPECT_TRUE(any("::").is_unspecified());
  EXPECT_TRUE(any("0.0.0.0").is_unspecified());
  EXPECT_NE(any("::"), any("0.0.0.0"));
  EXPECT_FALSE(any("::1").is_unspecified());
  EXPECT_FALSE(any("0.0.0.1").is_unspecified());
}

TEST(ParseIp, ReadsBothFamilies) {
  EXPECT_EQ(any("192.0.2.1"), IpAddr(ip("192.0.2.1")));
  EXPECT_EQ(any("::ffff:192.0.2.1"), IpAddr(ip("192.0.2.1")));
  EXPECT_EQ(any("2001:db8::1"),
            IpAddr(IpAddr::Bytes{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(any("2001:DB8:0:0:0:0:0:1"), any("2001:db8::1"));
}

TEST(ParseIp, RefusesAnythingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      ":"sv,
                                      ":::"sv,
                                      "1"sv,
                                      "192.0.2"sv,
                                      "010.0.2.1"sv,
                                      "192.0.2.1/32"sv,
                                      "2001:db8::1/64"sv,
                                      "2001:db8::1 "sv,
                                      " 2001:db8::1"sv,
                                      "[2001:db8::1]"sv,
                                      "fe80::1%eth0"sv,
                                      "1::2::3"sv,
                                      "12345::"sv,
                                      "1:2:3:4:5:6:7"sv,
                                      "1:2:3:4:5:6:7:8:9"sv,
                                      "::ffff:192.0.2.256"sv,
                                      "g::"sv,
                                      "::1\0"sv,
                                      "::1\0tail"sv,
                                      "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"sv}) {
    EXPECT_FALSE(parse_ip(text)) << '"' << text << '"';
  }
}

TEST(ParseIp, DoesNotReadBeyondItsText) {
  EXPECT_EQ(parse_ip(std::string_view("2001:db8::12").substr(0, 11)), any("2001:db8::1"));
}

// RFC 5952, section 4: lower case, no leading zeros, the longest run of zeros left out, of two
// alike the first, and never a single one.
TEST(IpText, IsTheOneOfRfc5952) {
  const std::pair<std::string_view, std::string_view> texts[] = {
      {"2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"fe80:0:0:0:0:0:0:0", "fe80::"},
      {"::ffff:c000:201", "192.0.2.1"},
  };
  for (const auto& [written, canonical] : texts) {
    EXPECT_EQ(to_string(any(written)), canonical);
    EXPECT_EQ(any(to_string(any(written))), any(written));
  }
}

TEST(IpAddr, SortsAsItsBytesAndIpv4AsOneRun) {
  std::vector<IpAddr> sorted = {any("::"),        any("::1"),         any("0.0.0.0"),
                                any("10.0.0.1"),  any("203.0.113.2"), any("255.255.255.255"),
                                any("64:ff9b::"), any("2001:db8::"),  any("ffff::")};
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
}

TEST(IpAddr, IsAKey) {
  std::unordered_set<IpAddr> seen;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(IpAddr(Ipv4Addr{i})).second);
    IpAddr::Bytes bytes{0x20, 0x01};
    bytes[14] = static_cast<std::uint8_t>(i / 256);
    bytes[15] = static_cast<std::uint8_t>(i % 256);
    EXPECT_TRUE(seen.insert(IpAddr(bytes)).second);
  }
  EXPECT_FALSE(seen.insert(any("0.0.3.231")).second);
  EXPECT_EQ(seen.count(any("2001::3e7")), 1u);
}

TEST(NetworkOf, IsTheSlash24OfIpv4) {
  EXPECT_EQ(network_of(ip("192.0.2.1")), 0xc00002u);
  EXPECT_EQ(network_of(ip("192.0.2.0")), network_of(ip("192.0.2.255")));
  EXPECT_NE(network_of(ip("192.0.2.255")), network_of(ip("192.0.3.0")));
  EXPECT_EQ(network_of(ip("255.255.255.255")), 0xffffffu);
  EXPECT_EQ(network_of(any("192.0.2.1")), network_of(ip("192.0.2.1")));
  EXPECT_EQ(network_prefix_of(ip("192.0.2.77")), parse_prefix("192.0.2.0/24"));
}

TEST(NetworkOf, IsTheSlash48OfIpv6) {
  EXPECT_EQ(network_of(any("2001:db8:1::")), network_of(any("2001:db8:1:ffff:ffff::1")));
  EXPECT_NE(network_of(any("2001:db8:1::")), network_of(any("2001:db8:2::")));
  EXPECT_NE(network_of(any("2001:db8:1::")), network_of(any("2002:db8:1::")));
}

TEST(NetworkOf, IsOfOneFamily) {
  EXPECT_NE(network_of(any("::1")), network_of(any("0.0.0.1")));
  EXPECT_NE(network_of(any("0:c0:2::")), network_of(any("192.0.2.0")));  // the same bits
}

}  // namespace
}  // namespace backsight::probes
