// What Linux answered: tests/probes/captures.h, field by field.
#include <gtest/gtest.h>

#include "captures.h"
#include "golden.h"
#include "probes/reading/reply.h"
#include "probes/reading/route_reading.h"

namespace backsight::probes {
namespace {

using namespace testing::captures;
using testing::from_hex;
using testing::golden_fields;
using testing::ip;

Reply parse(std::string_view capture) {
  const auto reply = parse_frame(from_hex(capture));
  EXPECT_TRUE(reply) << (reply ? "" : name(reply.error()));
  return reply.value_or(Reply{});
}

void expect_tag(const Shape& shape, const Reply& reply) {
  EXPECT_EQ(reply.type, ReplyType::kEchoReply);
  EXPECT_EQ(reply.from, ip("203.0.113.2"));
  EXPECT_EQ(reply.to, ip("192.0.2.1"));
  EXPECT_EQ(reply.ttl, 62);
  EXPECT_EQ(reply.handle, testing::kGoldenHandle);
  EXPECT_EQ(reply.identity.id, testing::kGoldenId);
  EXPECT_EQ(reply.identity.tag, golden_fields(shape).identity.tag);
}

TEST(Linux, AnswersAPing) {
  const Reply reply = parse(kPingReply);
  expect_tag(testing::kPing, reply);
  EXPECT_EQ(reply.ip_id, 0x84be);
  EXPECT_FALSE(reply.options.has_record_route);
}

TEST(Linux, RecordsTheRouteBothWaysAndStampsTwiceItself) {
  const Reply reply = parse(kRecordRouteReply);
  expect_tag(testing::kRecordRoute, reply);
  ASSERT_TRUE(reply.options.has_record_route);
  const RecordedRoute& route = reply.options.record_route;
  const std::vector<Ipv4Addr> expected = {ip("198.51.100.1"), ip("203.0.113.1"),  ip("203.0.113.2"),
                                          ip("203.0.113.2"),  ip("198.51.100.2"), ip("192.0.2.2")};
  EXPECT_EQ(std::vector<Ipv4Addr>(route.filled().begin(), route.filled().end()), expected);

  const RouteReading reading = read_route(route, ip("203.0.113.2"));
  EXPECT_EQ(reading.turning_point, TurningPoint::kDestination);
  EXPECT_EQ(reading.forward_end, 2);
  EXPECT_EQ(reading.reverse_begin, 4);
  EXPECT_EQ(reading.count, 6);
  EXPECT_FALSE(reading.is_full);
}

TEST(Linux, StampsTheTime) {
  const Reply reply = parse(kTimestampsReply);
  expect_tag(testing::kTimestamps, reply);
  const RecordedTimestamps& read = reply.options.timestamps;
  EXPECT_EQ(read.type, TimestampType::kOnly);
  EXPECT_EQ(read.count, 6);
  EXPECT_EQ(read.slots, 9);
  EXPECT_EQ(read.stamps[0].milliseconds, 0x8a61cau);  // 02:31:08.426 UT
}

TEST(Linux, StampsTheTimeWithAddressesUntilFull) {
  const Reply reply = parse(kTimestampsWithAddressesReply);
  expect_tag(testing::kTimestampsWithAddresses, reply);
  const RecordedTimestamps& read = reply.options.timestamps;
  EXPECT_EQ(read.type, TimestampType::kWithAddresses);
  EXPECT_EQ(read.count, 4);
  EXPECT_EQ(read.slots, 4);
  EXPECT_EQ(read.overflow, 2);  // the way back found no room
  EXPECT_EQ(read.stamps[0].address, ip("192.0.2.2"));
  EXPECT_EQ(read.stamps[3].address, ip("203.0.113.2"));
}

TEST(Linux, StampsPrespecifiedAddresses) {
  const Reply reply = parse(kPrespecifiedReply);
  expect_tag(testing::kPrespecified, reply);
  const RecordedTimestamps& read = reply.options.timestamps;
  EXPECT_EQ(read.type, TimestampType::kPrespecified);
  EXPECT_EQ(read.count, 2);
  EXPECT_EQ(read.stamps[0].address, ip("198.51.100.1"));
  EXPECT_EQ(read.stamps[1].address, ip("203.0.113.2"));
}

void expect_quote(const Shape& shape, const Reply& reply) {
  EXPECT_EQ(reply.to, ip("192.0.2.1"));
  EXPECT_TRUE(reply.has_quote);
  EXPECT_EQ(reply.handle, testing::kGoldenHandle);
  EXPECT_EQ(reply.quoted.src, ip("192.0.2.1"));
  EXPECT_EQ(reply.quoted.total_length, Template(shape).size());
  EXPECT_EQ(reply.quoted.has_identity, shape != testing::kTcpTrace);
  EXPECT_EQ(reply.mpls.count, 0);
}

TEST(Linux, SaysThatTimeExceeded) {
  const Reply icmp = parse(kIcmpTimeExceeded);
  EXPECT_EQ(icmp.type, ReplyType::kTimeExceeded);
  EXPECT_EQ(icmp.from, ip("198.51.100.2"));
  EXPECT_EQ(icmp.quoted.checksum, testing::kGoldenFlow);
  expect_quote(testing::kIcmpTrace, icmp);
  const Reply udp = parse(kUdpTimeExceeded);
  EXPECT_EQ(udp.from, ip("192.0.2.2"));
  expect_quote(testing::kUdpTrace, udp);
  const Reply tcp = parse(kTcpTimeExceeded);
  EXPECT_EQ(tcp.from, ip("192.0.2.2"));
  expect_quote(testing::kTcpTrace, tcp);
}

// Linux copies the Record Route option of the probe into its error and goes on recording in it.
TEST(Linux, RecordsTheWayBackOfAnErrorToo) {
  const Reply reply = parse(kRecordRouteTimeExceeded);
  EXPECT_EQ(reply.type, ReplyType::kTimeExceeded);
  expect_quote(testing::kRecordRoute, reply);
  ASSERT_TRUE(reply.options.has_record_route);
  ASSERT_TRUE(reply.quoted.options.has_record_route);
  EXPECT_GT(reply.options.record_route.count, reply.quoted.options.record_route.count);
}

TEST(Linux, SaysThatAPortOrAHostIsUnreachable) {
  const Reply port = parse(kUdpPortUnreachable);
  EXPECT_EQ(port.type, ReplyType::kUnreachable);
  EXPECT_EQ(port.from, ip("203.0.113.2"));
  EXPECT_EQ(port.icmp_code, 3);
  expect_quote(testing::kUdpTrace, port);
  const Reply prohibited = parse(kProhibited);
  EXPECT_EQ(prohibited.type, ReplyType::kUnreachable);
  EXPECT_EQ(prohibited.icmp_code, 13);
  EXPECT_EQ(prohibited.quoted.dst, ip("203.0.113.66"));
}

// The SYN-ACK left its checksum to hardware that a veth link has not: only the partial form is
// right.
TEST(Linux, AnswersSyns) {
  const Reply reset = parse(kTcpReset);
  EXPECT_EQ(reset.type, ReplyType::kTcpReset);
  EXPECT_EQ(reset.handle, testing::kGoldenHandle);
  EXPECT_EQ(reset.src_port, 80);
  EXPECT_EQ(reset.dst_port, 0x9111);
  const Reply syn_ack = parse(kTcpSynAck);
  EXPECT_EQ(syn_ack.type, ReplyType::kTcpSynAck);
  EXPECT_EQ(syn_ack.handle, testing::kGoldenHandle + 1);  // the probe sent with that handle
  EXPECT_EQ(syn_ack.src_port, 443);
}

}  // namespace
}  // namespace backsight::probes
