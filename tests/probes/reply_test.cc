// craft -> model router -> parse: echo replies and TCP answers.
#include "probes/reading/reply.h"

#include <vector>

#include <gtest/gtest.h>

#include "golden.h"
#include "probes/wire/byte_order.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::golden_fields;
using testing::ip;
using testing::make_echo_reply;
using testing::make_golden_probe;
using testing::Packet;

TEST(ParseEchoReply, GivesBackTheIdentityOfEachShape) {
  for (const Shape& shape : testing::kAllShapes) {
    if (shape == testing::kUdpTrace || shape == testing::kTcpTrace) continue;
    const auto reply = parse_packet(make_echo_reply(make_golden_probe(shape), {}, 57));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->type, ReplyType::kEchoReply);
    EXPECT_EQ(reply->from, ip("203.0.113.2"));
    EXPECT_EQ(reply->to, ip("192.0.2.1"));
    EXPECT_EQ(reply->ttl, 57);
    EXPECT_EQ(reply->icmp_type, 0);
    EXPECT_EQ(reply->ip_id, 0x1234);
    EXPECT_EQ(reply->handle, testing::kGoldenHandle);
    EXPECT_FALSE(reply->has_quote);
    EXPECT_EQ(reply->identity.id, testing::kGoldenId);
    EXPECT_EQ(reply->identity.tag, golden_fields(shape).identity.tag);
  }
}

// A spoofed probe's reply arrives elsewhere: there, the tag alone proves it.
TEST(ParseEchoReply, ASpoofedProbesTagHoldsWhereTheReplyArrives) {
  for (const Shape& shape : {testing::kPing, testing::kRecordRoute, testing::kTimestamps,
                             testing::kTimestampsWithAddresses, testing::kPrespecified}) {
    ProbeFields fields = golden_fields(shape);
    fields.src = ip("198.51.100.99");
    TagInput input{.id = testing::kGoldenId,
                   .src = fields.src,
                   .dst = fields.dst,
                   .handle = fields.handle,
                   .kind = shape.kind,
                   .is_spoofed = true};
    fields.identity.tag = make_tag(testing::kGoldenKey, input);
    const auto reply = parse_packet(make_echo_reply(testing::craft(shape, fields)));
    ASSERT_TRUE(reply);
    const TagInput seen{.id = reply->identity.id,
                        .src = reply->to,
                        .dst = reply->from,
                        .handle = reply->handle,
                        .kind = shape.kind,
                        .is_spoofed = true};
    EXPECT_EQ(make_tag(testing::kGoldenKey, seen), reply->identity.tag);
  }
}

TEST(ParseEchoReply, ReadsTheStampsInOrder) {
  const Packet probe = make_golden_probe(testing::kRecordRoute);
  for (std::size_t count = 0; count <= 11; ++count) {
    std::vector<Ipv4Addr> stamps;
    for (std::uint32_t i = 0; i < count; ++i) stamps.push_back({0xc6336401 + i});
    const auto reply = parse_packet(make_echo_reply(probe, stamps));
    ASSERT_TRUE(reply);
    ASSERT_TRUE(reply->options.has_record_route);
    const auto filled = reply->options.record_route.filled();
    EXPECT_EQ(filled.size(), std::min<std::size_t>(count, 9));
    EXPECT_TRUE(std::equal(filled.begin(), filled.end(), stamps.begin()));
    EXPECT_EQ(reply->options.record_route.slots, 9);
  }
}

TEST(ParseEchoReply, ReadsTheTimesOfEachType) {
  const RecordedTimestamp first{.address = ip("198.51.100.1"), .milliseconds = 1000};
  const RecordedTimestamp second{.address = ip("203.0.113.2"), .milliseconds = 1003};
  for (const Shape& shape :
       {testing::kTimestamps, testing::kTimestampsWithAddresses, testing::kPrespecified}) {
    Packet packet = make_echo_reply(make_golden_probe(shape));
    ASSERT_TRUE(testing::stamp_time(packet, first));
    ASSERT_TRUE(testing::stamp_time(packet, second));
    testing::fix_checksums(packet);
    const auto reply = parse_packet(packet);
    ASSERT_TRUE(reply);
    const RecordedTimestamps& read = reply->options.timestamps;
    EXPECT_EQ(read.type, shape.timestamp);
    ASSERT_EQ(read.count, 2);
    EXPECT_EQ(read.stamps[0].milliseconds, 1000u);
    EXPECT_EQ(read.stamps[1].milliseconds, 1003u);
    if (shape.timestamp != TimestampType::kOnly) {
      EXPECT_EQ(read.stamps[0].address, first.address);
      EXPECT_EQ(read.stamps[1].address, second.address);
    }
  }
}

TEST(ParseEchoReply, CountsHopsThatFoundNoRoom) {
  Packet packet = make_echo_reply(make_golden_probe(testing::kTimestamps));
  for (std::uint32_t i = 0; i < 12; ++i) {
    static_cast<void>(testing::stamp_time(packet, {.address = {}, .milliseconds = i}));
  }
  testing::fix_checksums(packet);
  const auto reply = parse_packet(packet);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->options.timestamps.count, 9);
  EXPECT_EQ(reply->options.timestamps.overflow, 3);
}

TEST(ParseEchoReply, AcceptsOneWithoutTheOptionItAskedFor) {
  const Packet probe = make_golden_probe(testing::kPing);  // as a host that strips options answers
  const auto reply = parse_packet(make_echo_reply(probe));
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->options.has_record_route);
}

TEST(ParseEchoReply, AnyCodeAndLongerPayloadsAreTaken) {
  Packet packet = make_echo_reply(make_golden_probe(testing::kPing));
  packet[21] = std::byte{9};
  packet.resize(packet.size() + 100);
  store_be16(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
  testing::fix_checksums(packet);
  const auto reply = parse_packet(packet);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->icmp_code, 9);
  EXPECT_EQ(reply->identity.id, testing::kGoldenId);
}

TEST(ParseTcp, ResetAndSynAckNameTheProbe) {
  const Packet probe = make_golden_probe(testing::kTcpTrace);
  const auto reset = parse_packet(testing::make_tcp_reset(probe));
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->type, ReplyType::kTcpReset);
  const auto syn_ack = parse_packet(testing::make_tcp_syn_ack(probe));
  ASSERT_TRUE(syn_ack);
  EXPECT_EQ(syn_ack->type, ReplyType::kTcpSynAck);
  for (const auto& reply : {reset, syn_ack}) {
    EXPECT_EQ(reply->handle, testing::kGoldenHandle);
    EXPECT_EQ(reply->src_port, 80);
    EXPECT_EQ(reply->dst_port, 0x9111);
    EXPECT_EQ(reply->from, ip("203.0.113.2"));
    EXPECT_EQ(reply->to, ip("192.0.2.1"));
    EXPECT_EQ(reply->ttl, testing::kReplyTtl);
  }
}

TEST(ParseTcp, AcknowledgedNumbersWrap) {
  ProbeFields fields = golden_fields(testing::kTcpTrace);
  fields.handle = 0xffffffff;
  const auto reply =
      parse_packet(testing::make_tcp_reset(testing::craft(testing::kTcpTrace, fields)));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->handle, 0xffffffffu);
}

TEST(ParseTcp, AcceptsAChecksumThatHardwareWouldFinish) {
  Packet packet = testing::make_tcp_reset(make_golden_probe(testing::kTcpTrace));
  // The pseudo header alone: addresses, protocol 6, length 20.
  Packet pseudo(packet.begin() + 12, packet.begin() + 20);
  for (const int byte : {0, 6, 0, 20}) pseudo.push_back(static_cast<std::byte>(byte));
  const auto partial = static_cast<std::uint16_t>(~testing::slow_checksum(pseudo));
  store_be16(packet.data() + 36, partial);
  EXPECT_TRUE(parse_packet(packet));
  store_be16(packet.data() + 36, static_cast<std::uint16_t>(partial + 1));
  EXPECT_FALSE(parse_packet(packet));
}

TEST(ParseTcp, ReadsPastTcpOptions) {
  Packet packet = testing::make_tcp_syn_ack(make_golden_probe(testing::kTcpTrace));
  for (const int byte : {2, 4, 5, 0xb4}) packet.push_back(static_cast<std::byte>(byte));
  packet[32] = std::byte{0x60};
  store_be16(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
  testing::fix_checksums(packet);
  EXPECT_TRUE(parse_packet(packet));
}

}  // namespace
}  // namespace backsight::probes
