#include "probes/crafting/template.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "golden.h"
#include "probes/wire/byte_order.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::craft;
using testing::fix_checksums;
using testing::from_hex;
using testing::golden_fields;
using testing::ip;
using testing::make_golden_probe;
using testing::Packet;
using testing::to_hex;

// The bytes that went out to make tests/probes/captures.h: Linux took them for what they are, and
// tshark finds nothing wrong with them.
TEST(Craft, PingIsGolden) {
  EXPECT_EQ(to_hex(make_golden_probe(testing::kPing)), to_hex(from_hex(R"(
      4500 002c 1234 0000 4001 6a99 c000 0201 cb00 7102  # IPv4: 44 bytes, TTL 64, ICMP
      0800 29d9 a1b2 c3d4                                # echo request: checksum, handle
      0001 0000 0000 0011                                # VP 1, number 17
      9867 751b a380 b789                                # tag)")));
}

TEST(Craft, RecordRouteIsGolden) {
  EXPECT_EQ(to_hex(make_golden_probe(testing::kRecordRoute)), to_hex(from_hex(R"(
      4f00 0054 1234 0000 4001 554a c000 0201 cb00 7102  # IPv4: header of 60 bytes
      0727 04                                            # Record Route, 39 bytes, pointer 4
      00000000 00000000 00000000 00000000 00000000       # nine empty slots
      00000000 00000000 00000000 00000000
      00                                                 # end of options
      0800 aea8 a1b2 c3d4                                # echo request
      0001 0000 0000 0011 bf5c 54ea 7cb8 52be            # identity)")));
}

TEST(Craft, TimestampsAreGolden) {
  EXPECT_EQ(to_hex(make_golden_probe(testing::kTimestamps)), to_hex(from_hex(R"(
      4f00 0054 1234 0000 4001 1749 c000 0201 cb00 7102
      4428 0500                                          # timestamp, 40 bytes, pointer 5, type 0
      00000000 00000000 00000000 00000000 00000000       # nine empty slots
      00000000 00000000 00000000 00000000
      0800 5f87 a1b2 c3d4
      0001 0000 0000 0011 a52d 9f71 339c baa3)")));
  EXPECT_EQ(to_hex(make_golden_probe(testing::kTimestampsWithAddresses)), to_hex(from_hex(R"(
      4e00 0050 1234 0000 4001 1850 c000 0201 cb00 7102
      4424 0501                                          # 36 bytes, type 1: four pairs
      00000000 00000000 00000000 00000000
      00000000 00000000 00000000 00000000
      0800 5f87 a1b2 c3d4
      0001 0000 0000 0011 a52d 9f71 339c baa3)")));
  EXPECT_EQ(to_hex(make_golden_probe(testing::kPrespecified)), to_hex(from_hex(R"(
      4a00 0040 1234 0000 4001 b635 c000 0201 cb00 7102
      4414 0503                                          # 20 bytes, type 3: prespecified
      c6336401 00000000                                  # 198.51.100.1
      cb007102 00000000                                  # 203.0.113.2
      0800 5f87 a1b2 c3d4
      0001 0000 0000 0011 a52d 9f71 339c baa3)")));
}

TEST(Craft, TraceOverIcmpIsGolden) {
  EXPECT_EQ(to_hex(make_golden_probe(testing::kIcmpTrace)), to_hex(from_hex(R"(
      4500 0030 1234 0000 4001 6a95 c000 0201 cb00 7102
      0800 1111 a1b2 c3d4                                # the checksum is the flow
      0001 0000 0000 0011 08ab b9b4 deac 0a76            # identity
      d5d2 0000                                          # compensation, zero)")));
}

TEST(Craft, TraceOverUdpIsGolden) {
  EXPECT_EQ(to_hex(make_golden_probe(testing::kUdpTrace)), to_hex(from_hex(R"(
      4500 0030 a1b2 0000 4011 db06 c000 0201 cb00 7102  # the id is the handle's high half
      9111 829a 001c c3d4                                # ports, length, the handle's low half
      0001 0000 0000 0011 08ab b9b4 deac 0a76            # identity
      7e9c 0000                                          # compensation, zero)")));
}

TEST(Craft, TraceOverTcpIsGolden) {
  EXPECT_EQ(to_hex(make_golden_probe(testing::kTcpTrace)), to_hex(from_hex(R"(
      4500 0028 1234 0000 4006 6a98 c000 0201 cb00 7102
      9111 0050 a1b2c3d4 00000000                        # ports, the handle as sequence number
      5002 ffff baf5 0000                                # SYN, window, checksum, no urgent data)")));
}

class EveryShape : public ::testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Craft, EveryShape, ::testing::ValuesIn(testing::kAllShapes));

ProbeFields random_fields(std::mt19937_64& random, const Shape& shape) {
  const auto word = [&] { return static_cast<std::uint32_t>(random()); };
  // Extreme words make carries; ordinary ones make everything else.
  const auto address = [&] {
    return Ipv4Addr{random() % 4 == 0 ? 0xffffffffu : random() % 4 == 0 ? 0u : word()};
  };
  ProbeFields fields;
  fields.src = address();
  fields.dst = address();
  fields.ttl = static_cast<std::uint8_t>(random());
  fields.ip_id = static_cast<std::uint16_t>(random());
  fields.flow = static_cast<std::uint16_t>(random());
  fields.handle = word();
  if (shape == testing::kUdpTrace && !trace_udp::is_handle(fields.handle)) fields.handle ^= 0x5a5a;
  fields.identity = {.id = {static_cast<std::uint16_t>(random()), random() & kMaxProbeNumber},
                     .tag = random() % 4 == 0 ? ~std::uint64_t{0} : random()};
  static std::array<Ipv4Addr, kMaxTimestampAddresses> asked;  // until the next call
  for (auto& hop : asked) hop = address();
  fields.prespecified = asked;
  return fields;
}

TEST_P(EveryShape, ChecksumsAreThoseOfTheModel) {
  const Template prepared(GetParam());
  std::mt19937_64 random(6);
  for (int i = 0; i < 50'000; ++i) {
    Packet probe(prepared.size());
    const ProbeFields fields = random_fields(random, GetParam());
    static_cast<void>(prepared.craft(fields, probe.data()));
    Packet expected = probe;
    fix_checksums(expected);
    ASSERT_EQ(to_hex(probe), to_hex(expected));
  }
}

TEST_P(EveryShape, WritesEveryByteEachTime) {
  const Template prepared(GetParam());
  const ProbeFields fields = golden_fields(GetParam());
  Packet over_zeros(prepared.size(), std::byte{0});
  Packet over_ones(prepared.size(), std::byte{0xff});
  static_cast<void>(prepared.craft(fields, over_zeros.data()));
  static_cast<void>(prepared.craft(fields, over_ones.data()));
  EXPECT_EQ(to_hex(over_zeros), to_hex(over_ones));
}

TEST_P(EveryShape, WritesNothingBeyondItsSize) {
  const Template prepared(GetParam());
  Packet room(prepared.size() + 64, std::byte{0xaa});
  static_cast<void>(prepared.craft(golden_fields(GetParam()), room.data()));
  EXPECT_TRUE(std::all_of(room.begin() + static_cast<long>(prepared.size()), room.end(),
                          [](std::byte byte) { return byte == std::byte{0xaa}; }));
}

TEST_P(EveryShape, ReturnsTheChecksumItSent) {
  const Template prepared(GetParam());
  Packet probe(prepared.size());
  const std::uint16_t returned = prepared.craft(golden_fields(GetParam()), probe.data());
  const std::size_t header_bytes = std::to_integer<std::size_t>(probe[0]) % 16 * 4;
  const bool is_icmp = probe[9] == std::byte{1};
  const bool is_udp = probe[9] == std::byte{17};
  const std::size_t field = header_bytes + (is_icmp ? 2 : is_udp ? 6 : 16);
  EXPECT_EQ(returned, load_be16(probe.data() + field));
}

TEST_P(EveryShape, NeverSetsDfOrTos) {
  const Packet probe = make_golden_probe(GetParam());
  EXPECT_EQ(probe[1], std::byte{0});
  EXPECT_EQ(load_be16(probe.data() + 6), 0);
}

// Paris: what a router hashes stays the same from probe to probe of one flow.
TEST_P(EveryShape, KeepsTheFlowOverHandlesAndIdentities) {
  if (GetParam().kind != Kind::kTrace) return;  // only traces promise it
  std::mt19937_64 random(7);
  for (const std::uint32_t flow : {0u, 1u, 0x1111u, 0x7fffu, 0x8000u, 0xfffeu, 0xffffu}) {
    std::string first;
    for (int i = 0; i < 200; ++i) {
      ProbeFields fields = random_fields(random, GetParam());
      fields.src = ip("192.0.2.1");
      fields.dst = ip("203.0.113.2");
      fields.flow = static_cast<std::uint16_t>(flow);
      const std::string hashed =
          to_hex(std::span<const std::byte>(craft(GetParam(), fields)).subspan(20, 4));
      if (i == 0) first = hashed;
      ASSERT_EQ(hashed, first) << "flow " << flow;
    }
  }
}

TEST(Craft, FlowsDiffer) {
  for (const Shape& shape : {testing::kIcmpTrace, testing::kUdpTrace, testing::kTcpTrace}) {
    const Template prepared(shape);
    std::vector<std::uint32_t> flows;
    ProbeFields fields = golden_fields(shape);
    for (std::uint32_t flow = 0; flow < 0xffff; ++flow) {
      Packet probe(prepared.size());
      fields.flow = static_cast<std::uint16_t>(flow);
      static_cast<void>(prepared.craft(fields, probe.data()));
      flows.push_back(load_be32(probe.data() + 20));
    }
    std::sort(flows.begin(), flows.end());
    EXPECT_EQ(std::unique(flows.begin(), flows.end()), flows.end());
  }
}

TEST(Craft, SendsIcmpFlow0xffffAs0xfffe) {
  ProbeFields fields = golden_fields(testing::kIcmpTrace);
  fields.flow = 0xffff;
  const Packet probe = craft(testing::kIcmpTrace, fields);
  EXPECT_EQ(load_be16(probe.data() + 22), 0xfffe);
}

TEST(Craft, FlowsTopBitPicksTheDestinationPort) {
  ProbeFields fields = golden_fields(testing::kTcpTrace);
  fields.flow = 0x8001;
  EXPECT_EQ(load_be32(craft(testing::kTcpTrace, fields).data() + 20), 0x800101bbu);
  EXPECT_EQ(load_be32(craft(testing::kUdpTrace, fields).data() + 20), 0x8001829bu);
}

TEST(Craft, EveryNumberOfPrespecifiedAddressesFits) {
  for (std::uint8_t count = 1; count <= kMaxTimestampAddresses; ++count) {
    const Shape shape{
        .kind = Kind::kTimestamp, .timestamp = TimestampType::kPrespecified, .prespecified = count};
    Packet probe = craft(shape, golden_fields(shape));
    EXPECT_EQ(probe.size(), 20u + 4u + 8u * count + 24u);
    Packet expected = probe;
    fix_checksums(expected);
    EXPECT_EQ(to_hex(probe), to_hex(expected));
  }
}

TEST(Craft, UdpHandlesAreNeverNoChecksum) {
  EXPECT_FALSE(trace_udp::is_handle(0x12340000));
  EXPECT_FALSE(trace_udp::is_handle(0x1234ffff));
  EXPECT_TRUE(trace_udp::is_handle(0x00000001));
  EXPECT_TRUE(trace_udp::is_handle(0xfffffffe));
}

}  // namespace
}  // namespace backsight::probes
