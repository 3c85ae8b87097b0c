// What Linux routers and hosts answered to our own probes.
//
// Captured with tcpdump in four network namespaces, kernel 6.18, each joined to the next by a veth
// pair: prober 192.0.2.1, router 192.0.2.2 and 198.51.100.1, router 198.51.100.2 and 203.0.113.1,
// destination 203.0.113.2. The probes are those of make_golden_probe(): handle a1b2c3d4, flow 1111.
#pragma once

#include <array>
#include <string_view>

namespace backsight::testing::captures {

inline constexpr std::string_view kPingReply = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    4500 002c 84be 0000 3e01 fa0e cb00 7102 c000 0201  # IPv4
    0000 31d9 a1b2 c3d4  # ICMP echo reply
    0001 0000 0000 0011 9867 751b a380 b789  # identity)";

inline constexpr std::string_view kRecordRouteReply = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    4f00 0054 84c2 0000 3e01 55f1 cb00 7102 c000 0201  # IPv4
    0727 1cc6 3364 01cb 0071 01cb 0071 02cb 0071 02c6 3364 02c0  # options
    0002 0200 0000 0000 0000 0000 0000 0000
    0000 b6a8 a1b2 c3d4  # ICMP echo reply
    0001 0000 0000 0011 bf5c 54ea 7cb8 52be  # identity)";

inline constexpr std::string_view kTimestampsReply = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    4f00 0054 8504 0000 3e01 407e cb00 7102 c000 0201  # IPv4
    4428 1d00 008a 61ca 008a 61ca 008a 61ca 008a 61ca 008a 61ca  # options
    008a 61ca 0000 0000 0000 0000 0000 0000
    0000 6787 a1b2 c3d4  # ICMP echo reply
    0001 0000 0000 0011 a52d 9f71 339c baa3  # identity)";

inline constexpr std::string_view kTimestampsWithAddressesReply = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    4e00 0050 8532 0000 3e01 94ec cb00 7102 c000 0201  # IPv4
    4424 2521 c000 0202 008a 62f7 c633 6402 008a 62f7 cb00 7102  # options
    008a 62f7 cb00 7102 008a 62f7
    0000 6787 a1b2 c3d4  # ICMP echo reply
    0001 0000 0000 0011 a52d 9f71 339c baa3  # identity)";

inline constexpr std::string_view kPrespecifiedReply = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    4a00 0040 8571 0000 3e01 6b9b cb00 7102 c000 0201  # IPv4
    4414 1503 c633 6401 008a 6424 cb00 7102 008a 6424  # options
    0000 6787 a1b2 c3d4  # ICMP echo reply
    0001 0000 0000 0011 a52d 9f71 339c baa3  # identity)";

inline constexpr std::string_view kIcmpTimeExceeded = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    45c0 004c b500 0000 3f01 d9b9 c633 6402 c000 0201  # IPv4
    0b00 f4ff 0000 0000  # ICMP time exceeded
    4500 0030 1234 0000 0101 a995 c000 0201 cb00 7102  # quoted IPv4
    0800 1111 a1b2 c3d4  # quoted ICMP echo request
    0001 0000 0000 0011 08ab b9b4 deac 0a76  # quoted identity
    d5d2 0000  # quoted compensation)";

inline constexpr std::string_view kUdpTimeExceeded = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    45c0 004c 284d 0000 4001 cda0 c000 0202 c000 0201  # IPv4
    0b00 f331 0000 0000  # ICMP time exceeded
    4500 0030 a1b2 0000 0111 1a07 c000 0201 cb00 7102  # quoted IPv4
    9111 829a 001c c3d4  # quoted UDP
    0001 0000 0000 0011 08ab b9b4 deac 0a76  # quoted identity
    7e9c 0000  # quoted compensation)";

inline constexpr std::string_view kUdpPortUnreachable = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    45c0 004c 85d6 0000 3e01 f816 cb00 7102 c000 0201  # IPv4
    0303 fb2e 0000 0000  # ICMP unreachable
    4500 0030 a1b2 0000 3e11 dd06 c000 0201 cb00 7102  # quoted IPv4
    9111 829a 001c c3d4  # quoted UDP
    0001 0000 0000 0011 08ab b9b4 deac 0a76  # quoted identity
    7e9c 0000  # quoted compensation)";

inline constexpr std::string_view kTcpTimeExceeded = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    45c0 0044 2898 0000 4001 cd5d c000 0202 c000 0201  # IPv4
    0b00 f31e 0000 0000  # ICMP time exceeded
    4500 0028 1234 0000 0106 a998 c000 0201 cb00 7102  # quoted IPv4
    9111 0050 a1b2 c3d4 0000 0000 5002 ffff baf5 0000  # quoted TCP)";

inline constexpr std::string_view kTcpReset = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    4500 0028 0000 4000 3e06 3ecc cb00 7102 c000 0201  # IPv4
    0050 9111 0000 0000 a1b2 c3d5 5014 0000 bae2 0000  # TCP)";

inline constexpr std::string_view kTcpSynAck = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    4500 002c 0000 4000 3e06 3ec8 cb00 7102 c000 0201  # IPv4
    01bb 9111 9f17 47cb a1b2 c3d6 6012 faf0 fe22 0000  # TCP
    0204 05b4  # TCP options)";

inline constexpr std::string_view kRecordRouteTimeExceeded = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    4fc0 0098 b643 0000 3f01 0ec3 c633 6402 c000 0201  # IPv4
    0727 14c6 3364 01c6 3364 02c6 3364 02c0 0002 0200 0000 0000  # options
    0000 0000 0000 0000 0000 0000 0000 0000
    0b00 bad5 0000 0000  # ICMP time exceeded
    4f00 0054 1234 0000 0101 5b20 c000 0201 cb00 7102  # quoted IPv4
    0727 0cc6 3364 01c6 3364 0200 0000 0000 0000 0000 0000 0000  # quoted options
    0000 0000 0000 0000 0000 0000 0000 0000
    0800 aea8 a1b2 c3d4  # quoted ICMP echo request
    0001 0000 0000 0011 bf5c 54ea 7cb8 52be  # quoted identity)";

inline constexpr std::string_view kProhibited = R"(
    2a3d 569d 6d9b 063c 183b 11c5 0800  # Ethernet
    45c0 0048 294a 0000 4001 cca7 c000 0202 c000 0201  # IPv4
    030d fcf2 0000 0000  # ICMP unreachable
    4500 002c 1234 0000 4001 6a59 c000 0201 cb00 7142  # quoted IPv4
    0800 5c46 a1b2 c3d4  # quoted ICMP echo request
    0001 0000 0000 0011 dc53 2e1a d2a6 590b  # quoted identity)";

inline constexpr std::array kAll = {
    kPingReply,         kRecordRouteReply, kTimestampsReply, kTimestampsWithAddressesReply,
    kPrespecifiedReply, kIcmpTimeExceeded, kUdpTimeExceeded, kUdpPortUnreachable,
    kTcpTimeExceeded,   kTcpReset,         kTcpSynAck,       kRecordRouteTimeExceeded,
    kProhibited};

}  // namespace backsight::testing::captures
