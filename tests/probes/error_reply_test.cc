// craft -> model router -> parse: ICMP errors, their quotes and extensions.
#include <gtest/gtest.h>

#include "golden.h"
#include "probes/reading/reply.h"
#include "probes/wire/byte_order.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::golden_fields;
using testing::ip;
using testing::kWholeProbe;
using testing::make_golden_probe;
using testing::make_time_exceeded;
using testing::make_unreachable;
using testing::Packet;
using testing::QuoteShape;

const Ipv4Addr kRouter = ip("198.51.100.2");
constexpr std::size_t kQuote = 20 + 8;  // where the quote begins in an error without IP options

const std::vector<MplsLabel> kLabels = {
    {.label = 0xabcde, .traffic_class = 5, .is_bottom = false, .ttl = 254},
    {.label = 16, .traffic_class = 0, .is_bottom = true, .ttl = 1}};

void expect_quote_of(const Shape& shape, const Reply& reply) {
  const ProbeFields fields = golden_fields(shape);
  EXPECT_TRUE(reply.has_quote);
  EXPECT_EQ(reply.quoted.src, fields.src);
  EXPECT_EQ(reply.quoted.dst, fields.dst);
  EXPECT_EQ(reply.quoted.ttl, 1);
  EXPECT_EQ(reply.quoted.total_length, Template(shape).size());
  EXPECT_EQ(reply.handle, fields.handle);
  EXPECT_EQ(reply.quoted.handle, fields.handle);
}

TEST(ParseError, EightQuotedBytesNameTheProbeOfEachShape) {
  for (const Shape& shape : testing::kAllShapes) {
    const auto reply = parse_packet(make_time_exceeded(make_golden_probe(shape), kRouter));
    ASSERT_TRUE(reply) << name(reply.error());
    EXPECT_EQ(reply->type, ReplyType::kTimeExceeded);
    EXPECT_EQ(reply->from, kRouter);
    EXPECT_EQ(reply->to, ip("192.0.2.1"));
    EXPECT_EQ(reply->icmp_type, 11);
    EXPECT_FALSE(reply->quoted.has_identity);
    expect_quote_of(shape, *reply);
  }
}

TEST(ParseError, AWholeQuoteShowsTheIdentityToo) {
  for (const Shape& shape : testing::kAllShapes) {
    const Packet probe = make_golden_probe(shape);
    const auto reply =
        parse_packet(make_time_exceeded(probe, kRouter, {.transport_bytes = kWholeProbe}));
    ASSERT_TRUE(reply);
    expect_quote_of(shape, *reply);
    EXPECT_EQ(reply->quoted.has_identity, shape != testing::kTcpTrace);
    if (!reply->quoted.has_identity) continue;
    EXPECT_EQ(reply->quoted.identity.id, testing::kGoldenId);
    EXPECT_EQ(reply->quoted.identity.tag, golden_fields(shape).identity.tag);
  }
}

TEST(ParseError, IdentityNeedsAllOfItsBytes) {
  const Packet probe = make_golden_probe(testing::kUdpTrace);
  for (std::size_t bytes = 8; bytes <= 28; ++bytes) {
    const auto reply = parse_packet(make_time_exceeded(probe, kRouter, {.transport_bytes = bytes}));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->quoted.has_identity, bytes >= 24) << bytes;
  }
}

TEST(ParseError, PortsAndChecksumsAreThoseSent) {
  const auto udp = parse_packet(make_time_exceeded(make_golden_probe(testing::kUdpTrace), kRouter));
  ASSERT_TRUE(udp);
  EXPECT_EQ(udp->quoted.protocol, 17);
  EXPECT_EQ(udp->quoted.src_port, 0x9111);
  EXPECT_EQ(udp->quoted.dst_port, 33434);
  EXPECT_EQ(udp->quoted.checksum, 0xc3d4);
  EXPECT_EQ(udp->quoted.ip_id, 0xa1b2);
  const auto tcp = parse_packet(make_time_exceeded(make_golden_probe(testing::kTcpTrace), kRouter));
  ASSERT_TRUE(tcp);
  EXPECT_EQ(tcp->quoted.protocol, 6);
  EXPECT_EQ(tcp->quoted.src_port, 0x9111);
  EXPECT_EQ(tcp->quoted.dst_port, 80);
  const auto echo =
      parse_packet(make_time_exceeded(make_golden_probe(testing::kIcmpTrace), kRouter));
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->quoted.protocol, 1);
  EXPECT_EQ(echo->quoted.checksum, testing::kGoldenFlow);
}

TEST(ParseError, QuotedOptionsShowHowFarTheProbeCame) {
  Packet probe = make_golden_probe(testing::kRecordRoute);
  ASSERT_TRUE(testing::stamp_route(probe, ip("192.0.2.2")));
  ASSERT_TRUE(testing::stamp_route(probe, ip("198.51.100.1")));
  const auto reply = parse_packet(make_time_exceeded(probe, kRouter));
  ASSERT_TRUE(reply);
  ASSERT_TRUE(reply->quoted.options.has_record_route);
  const RecordedRoute& route = reply->quoted.options.record_route;
  ASSERT_EQ(route.count, 2);
  EXPECT_EQ(route.hops[1], ip("198.51.100.1"));
  EXPECT_FALSE(reply->options.has_record_route);
}

TEST(ParseError, MangledQuotedOptionsAreDroppedAlone) {
  Packet probe = make_golden_probe(testing::kRecordRoute);
  probe[21] = std::byte{200};  // the option's length
  const auto reply = parse_packet(make_time_exceeded(probe, kRouter));
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->quoted.options.has_record_route);
  expect_quote_of(testing::kRecordRoute, *reply);

  probe = make_golden_probe(testing::kRecordRoute);
  probe[59] = std::byte{68};  // a fault behind a good option leaves that as it is
  const auto half = parse_packet(make_time_exceeded(probe, kRouter));
  ASSERT_TRUE(half);
  EXPECT_TRUE(half->flaws.has(Flaw::kIpOptions));
  EXPECT_TRUE(half->quoted.options.has_record_route);
  EXPECT_EQ(half->quoted.options.record_route.slots, 9);
}

TEST(ParseError, EachCodeOfUnreachableIsKept) {
  const Packet probe = make_golden_probe(testing::kUdpTrace);
  for (std::uint8_t code = 0; code <= 15; ++code) {
    const auto reply = parse_packet(make_unreachable(probe, kRouter, code));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->type, ReplyType::kUnreachable);
    EXPECT_EQ(reply->icmp_type, 3);
    EXPECT_EQ(reply->icmp_code, code);
    expect_quote_of(testing::kUdpTrace, *reply);
  }
}

TEST(ParseError, ParameterProblemPointsAtTheByte) {
  const Packet probe = make_golden_probe(testing::kRecordRoute);
  const auto reply = parse_packet(testing::make_parameter_problem(probe, kRouter, 20));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->type, ReplyType::kParameterProblem);
  EXPECT_EQ(reply->parameter_pointer, 20);
  expect_quote_of(testing::kRecordRoute, *reply);
}

TEST(ParseError, RedirectNamesItsGateway) {
  // The gateway's second byte is not mistaken for a length of RFC 4884.
  const Packet probe = make_golden_probe(testing::kPing);
  const auto reply = parse_packet(testing::make_redirect(probe, kRouter, 1, ip("10.2.0.1")));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->type, ReplyType::kRedirect);
  EXPECT_EQ(reply->icmp_code, 1);
  EXPECT_EQ(reply->redirect_gateway, ip("10.2.0.1"));
  expect_quote_of(testing::kPing, *reply);
}

TEST(ParseError, ReadsMplsLabelsWithAndWithoutALength) {
  for (const Shape& shape : testing::kAllShapes) {
    for (const bool says_length : {true, false}) {
      for (const std::size_t bytes : {std::size_t{8}, kWholeProbe}) {
        const QuoteShape quote{
            .transport_bytes = bytes, .mpls = kLabels, .says_length = says_length};
        const auto reply =
            parse_packet(make_time_exceeded(make_golden_probe(shape), kRouter, quote));
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->mpls.count, 2);
        EXPECT_EQ(reply->mpls.labels[0], kLabels[0]);
        EXPECT_EQ(reply->mpls.labels[1], kLabels[1]);
        // The padding of a short quote is no identity.
        EXPECT_EQ(reply->quoted.has_identity, bytes == kWholeProbe && shape != testing::kTcpTrace);
        expect_quote_of(shape, *reply);
      }
    }
  }
}

TEST(ParseError, KeepsEightLabels) {
  const std::vector<MplsLabel> labels(11, kLabels[0]);
  const auto reply = parse_packet(
      make_time_exceeded(make_golden_probe(testing::kPing), kRouter, {.mpls = labels}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->mpls.count, kMaxMplsLabels);
}

// An error with labels, its extension changed at `offset`, ICMP's own checksum right.
Reply with_changed_extension(std::size_t offset, std::uint16_t value, bool fix_extension) {
  Packet packet = make_time_exceeded(make_golden_probe(testing::kPing), kRouter, {.mpls = kLabels});
  std::byte* const extension = packet.data() + kQuote + 128;
  store_be16(extension + offset, value);
  if (fix_extension) {
    store_be16(extension + 2, 0);
    store_be16(extension + 2, testing::slow_checksum(std::span(packet).subspan(kQuote + 128)));
  }
  testing::fix_checksums(packet);
  const auto reply = parse_packet(packet);
  EXPECT_TRUE(reply);
  expect_quote_of(testing::kPing, *reply);
  return *reply;
}

TEST(ParseExtension, WrongChecksumMeansNoLabels) {
  EXPECT_EQ(with_changed_extension(2, 0x1234, false).mpls.count, 0);
}

TEST(ParseExtension, NoChecksumIsAllowedWhereALengthIsSaid) {
  EXPECT_EQ(with_changed_extension(2, 0, false).mpls.count, 2);
}

TEST(ParseExtension, AnotherVersionMeansNoLabels) {
  EXPECT_EQ(with_changed_extension(0, 0x1000, true).mpls.count, 0);
}

TEST(ParseExtension, AnotherClassIsSkipped) {
  EXPECT_EQ(with_changed_extension(6, 0x0201, true).mpls.count, 0);
  EXPECT_EQ(with_changed_extension(6, 0x0102, true).mpls.count, 0);
}

TEST(ParseExtension, BadObjectLengthsEndTheReading) {
  for (const int length : {0, 1, 3, 5, 7, 11, 13, 16, 0xffff}) {
    EXPECT_EQ(with_changed_extension(4, static_cast<std::uint16_t>(length), true).mpls.count, 0)
        << length;
  }
  // Four bytes: an object without labels; what follows it is no object.
  EXPECT_EQ(with_changed_extension(4, 4, true).mpls.count, 0);
}

TEST(ParseExtension, NoChecksumIsAllowedWithoutALength) {
  Packet packet = make_time_exceeded(make_golden_probe(testing::kPing), kRouter,
                                     {.mpls = kLabels, .says_length = false});
  store_be16(packet.data() + kQuote + 128 + 2, 0);
  testing::fix_checksums(packet);
  const auto reply = parse_packet(packet);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->mpls.count, 2);
}

TEST(ParseExtension, ALengthBeyondThePacketIsNoLength) {
  Packet packet = make_time_exceeded(make_golden_probe(testing::kPing), kRouter, {.mpls = kLabels});
  packet[25] = std::byte{200};
  testing::fix_checksums(packet);
  const auto reply = parse_packet(packet);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->mpls.count, 2);
  expect_quote_of(testing::kPing, *reply);
}

// Routers state the length without the header, or with its bytes swapped, or none: the bytes are
// there all the same, and the tag says whether they are ours.
TEST(ParseQuote, AChangedTotalLengthLosesNothing) {
  Packet packet = make_time_exceeded(make_golden_probe(testing::kPing), kRouter,
                                     {.transport_bytes = kWholeProbe});
  for (const int length : {0, 19, 24, 43, 44, 0x2c00, 0xffff}) {
    store_be16(packet.data() + kQuote + 2, static_cast<std::uint16_t>(length));
    testing::fix_checksums(packet);
    const auto reply = parse_packet(packet);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->flaws.is_empty());
    EXPECT_TRUE(reply->quoted.has_identity);
    EXPECT_EQ(reply->quoted.is_short, length < 44) << length;
    EXPECT_EQ(reply->quoted.identity.id, testing::kGoldenId);
    EXPECT_EQ(reply->handle, testing::kGoldenHandle);
  }
}

TEST(ParseQuote, AFragmentFieldThatARouterWroteIsNoFragment) {
  Packet packet = make_time_exceeded(make_golden_probe(testing::kPing), kRouter);
  for (const int field : {0x4000, 0x0040, 0x2000, 0x0001, 0xffff}) {
    store_be16(packet.data() + kQuote + 6, static_cast<std::uint16_t>(field));
    testing::fix_checksums(packet);
    const auto reply = parse_packet(packet);
    ASSERT_TRUE(reply) << field;
    EXPECT_EQ(reply->handle, testing::kGoldenHandle);
  }
}

// An extension at byte 128, whatever the router says of the quote's length: in bytes, of the quote
// before it was padded, none, or less than a header.
TEST(ParseExtension, StandsAtByte128UnderEveryLength) {
  for (const int length : {0, 1, 6, 12, 17, 21, 0x80, 200, 255, 32}) {
    for (const bool has_checksum : {true, false}) {
      Packet packet = make_time_exceeded(make_golden_probe(testing::kPing), kRouter,
                                         {.transport_bytes = kWholeProbe, .mpls = kLabels});
      packet[25] = static_cast<std::byte>(length);
      if (!has_checksum) store_be16(packet.data() + kQuote + 128 + 2, 0);
      testing::fix_checksums(packet);
      const auto reply = parse_packet(packet);
      ASSERT_TRUE(reply) << length;
      EXPECT_TRUE(reply->flaws.is_empty()) << length;
      ASSERT_EQ(reply->mpls.count, 2) << length << " " << has_checksum;
      EXPECT_EQ(reply->mpls.labels[0], kLabels[0]);
      EXPECT_EQ(reply->quoted.identity.id, testing::kGoldenId);
    }
  }
}

// Directly behind the quote, which nobody padded.
TEST(ParseExtension, StandsBehindAQuoteThatIsNotPadded) {
  for (const bool has_checksum : {true, false}) {
    Packet packet = make_time_exceeded(make_golden_probe(testing::kIcmpTrace), kRouter,
                                       {.transport_bytes = kWholeProbe, .mpls = kLabels});
    packet.erase(packet.begin() + kQuote + 48, packet.begin() + kQuote + 128);
    packet[25] = std::byte{12};
    if (!has_checksum) store_be16(packet.data() + kQuote + 48 + 2, 0);
    store_be16(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
    testing::fix_checksums(packet);
    const auto reply = parse_packet(packet);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->mpls.count, 2);
    EXPECT_TRUE(reply->quoted.has_identity);
  }
}

TEST(ParseExtension, ThatCannotBeReadIsToldAndLeftOut) {
  const Reply damaged = with_changed_extension(2, 0x1234, false);
  EXPECT_TRUE(damaged.flaws.has(Flaw::kIcmpExtension));
  EXPECT_EQ(damaged.flaws.reject(), Reject::kCount) << "no reason to refuse it";
  EXPECT_TRUE(with_changed_extension(4, 7, false).flaws.has(Flaw::kIcmpExtension));
  EXPECT_FALSE(with_changed_extension(0, 0x1000, true).flaws.has(Flaw::kIcmpExtension));
}

// Objects that do not fill it: no checksum vouches for them.
TEST(ParseExtension, WithoutAChecksumMustBeWhole) {
  for (const int length : {4, 8, 13, 16, 0}) {
    Packet packet =
        make_time_exceeded(make_golden_probe(testing::kPing), kRouter, {.mpls = kLabels});
    store_be16(packet.data() + kQuote + 128 + 2, 0);
    store_be16(packet.data() + kQuote + 128 + 4, static_cast<std::uint16_t>(length));
    testing::fix_checksums(packet);
    const auto reply = parse_packet(packet);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->mpls.count, 0) << length;
    EXPECT_TRUE(reply->flaws.has(Flaw::kIcmpExtension));
  }
}

// Our TCP probes have no payload: what a quote shows behind their header is not from us.
TEST(ParseQuote, TcpHasNoIdentity) {
  Packet probe = make_golden_probe(testing::kTcpTrace);
  probe.resize(probe.size() + 20, std::byte{0x11});
  probe[29] = std::byte{1};  // in the acknowledged number: where a payload would begin with VP 1
  store_be16(probe.data() + 2, static_cast<std::uint16_t>(probe.size()));
  const auto reply =
      parse_packet(make_time_exceeded(probe, kRouter, {.transport_bytes = kWholeProbe}));
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->quoted.has_identity);
}

// Zeros after eight quoted bytes, under a total length that claims they are the probe's.
TEST(ParseQuote, PaddingIsNoIdentity) {
  const auto reply = parse_packet(
      make_time_exceeded(make_golden_probe(testing::kPing), kRouter, {.mpls = kLabels}));
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->quoted.has_identity);
}

TEST(ParseQuote, RewrittenTtlTosAndIdAreReportedAsTheyAre) {
  Packet packet = make_time_exceeded(make_golden_probe(testing::kPing), kRouter);
  packet[kQuote + 1] = std::byte{0x28};
  store_be16(packet.data() + kQuote + 4, 0x3412);
  packet[kQuote + 8] = std::byte{0};
  testing::fix_checksums(packet);
  const auto reply = parse_packet(packet);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->quoted.tos, 0x28);
  EXPECT_EQ(reply->quoted.ip_id, 0x3412);
  EXPECT_EQ(reply->quoted.ttl, 0);
  EXPECT_EQ(reply->handle, testing::kGoldenHandle);
}

}  // namespace
}  // namespace backsight::probes
