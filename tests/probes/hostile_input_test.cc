// Every truncation of every fixture, and random damage to all of them. Built with sanitizers, a
// read out of bounds ends the test.
#include <algorithm>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "captures.h"
#include "golden.h"
#include "probes/reading/reply.h"
#include "probes/wire/byte_order.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::ip;
using testing::make_golden_probe;
using testing::Packet;

std::vector<Packet> fixtures() {
  std::vector<Packet> frames;
  for (const std::string_view capture : testing::captures::kAll) {
    frames.push_back(testing::from_hex(capture));
  }
  const auto add = [&](const Packet& packet) {
    frames.push_back(testing::in_ethernet(packet, {}, {}));
  };
  const Ipv4Addr router = ip("198.51.100.2");
  const std::vector<MplsLabel> labels = {{.label = 99, .is_bottom = true, .ttl = 3}};
  for (const Shape& shape : testing::kAllShapes) {
    const Packet probe = make_golden_probe(shape);
    add(testing::make_time_exceeded(probe, router));
    add(testing::make_time_exceeded(probe, router, {.mpls = labels}));
    add(testing::make_time_exceeded(probe, router, {.mpls = labels, .says_length = false}));
    add(testing::make_unreachable(probe, router, 13, {.transport_bytes = testing::kWholeProbe}));
    add(testing::make_redirect(probe, router, 1, ip("198.51.100.3")));
  }
  const std::vector<Ipv4Addr> stamps(9, router);
  add(testing::make_echo_reply(make_golden_probe(testing::kRecordRoute), stamps));
  add(testing::make_tcp_reset(make_golden_probe(testing::kTcpTrace)));
  add(testing::make_tcp_syn_ack(make_golden_probe(testing::kTcpTrace)));
  return frames;
}

// A peek says of a frame what reading it says; of one that is not read it may say anything.
void expect_like(const Peek& seen, const Reply& reply) {
  // A payload that ends early may be too short to look at, or seem to go on in the padding.
  if (reply.flaws.has(Flaw::kPayload)) return;
  EXPECT_EQ(seen.handle, reply.handle);
  // A payload that ends early may seem to go on in the padding.
  if (reply.flaws.has(Flaw::kPayload)) return;
  EXPECT_EQ(seen.has_identity, reply.type == ReplyType::kEchoReply);
  if (!seen.has_identity) return;
  EXPECT_EQ(seen.identity.id, reply.identity.id);
  EXPECT_EQ(seen.identity.tag, reply.identity.tag);
  EXPECT_EQ(seen.from, reply.from);
  EXPECT_EQ(seen.to, reply.to);
}

// A copy in memory of exactly that size, so that AddressSanitizer sees the first byte beyond.
tl::expected<Reply, Reject> parse_exact(std::span<const std::byte> bytes) {
  const std::unique_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  const std::span<const std::byte> exact(copy.get(), bytes.size());
  const Peek seen = peek(exact);
  auto reply = parse_frame(exact);
  const bool has_vlan = bytes.size() >= 14 && load_be16(&bytes[12]) != 0x0800;
  if (reply && !has_vlan) expect_like(seen, *reply);
  return reply;
}

std::size_t packet_bytes(const Packet& frame) { return load_be16(frame.data() + 14 + 2); }

bool is_sound(const tl::expected<Reply, Reject>& reply) { return reply && reply->flaws.is_empty(); }

TEST(Truncation, OfTheFrameIsRefusedOrToldUpToThePacketsLastByte) {
  for (const Packet& frame : fixtures()) {
    ASSERT_TRUE(parse_exact(frame));
    const std::size_t needed = 14 + packet_bytes(frame);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      EXPECT_EQ(is_sound(parse_exact(std::span(frame).first(size))), size >= needed)
          << size << " of " << needed;
    }
  }
}

// The packet really is shorter: lengths and checksums are right. What is left may still be a reply;
// then it says less, and never something else.
TEST(Truncation, OfThePacketRefusesOrSaysLess) {
  for (const Packet& frame : fixtures()) {
    const Reply whole = *parse_exact(frame);
    const Packet packet(frame.begin() + 14,
                        frame.begin() + 14 + static_cast<long>(packet_bytes(frame)));
    const std::size_t header_bytes = std::to_integer<std::size_t>(packet[0]) % 16 * 4;
    for (std::size_t size = header_bytes; size < packet.size(); ++size) {
      Packet shorter(packet.begin(), packet.begin() + static_cast<long>(size));
      store_be16(shorter.data() + 2, static_cast<std::uint16_t>(size));
      testing::fix_checksums(shorter);
      const auto reply = parse_exact(testing::in_ethernet(shorter, {}, {}));
      if (!reply) continue;
      EXPECT_EQ(reply->type, whole.type);
      EXPECT_EQ(reply->handle, whole.handle);
      EXPECT_LE(reply->mpls.count, whole.mpls.count);
      EXPECT_TRUE(whole.quoted.has_identity || !reply->quoted.has_identity);
      if (reply->type == ReplyType::kEchoReply) {
        EXPECT_EQ(reply->flaws.has(Flaw::kPayload), size < header_bytes + 24);
      }
    }
  }
}

void expect_in_range(const Reply& reply) {
  for (const IpOptions* options : {&reply.options, &reply.quoted.options}) {
    EXPECT_LE(options->record_route.count, options->record_route.slots);
    EXPECT_LE(options->record_route.slots, kMaxRecordedHops);
    EXPECT_LE(options->timestamps.count, options->timestamps.slots);
    EXPECT_LE(options->timestamps.slots, kMaxTimestamps);
    EXPECT_LE(options->timestamps.overflow, 15);
  }
  EXPECT_LE(reply.mpls.count, kMaxMplsLabels);
}

// Is it proven to be our reply? As whoever receives it asks, with the golden key.
bool is_proven(const Reply& reply, const Identity& identity) {
  for (const Kind kind : {Kind::kPing, Kind::kRecordRoute, Kind::kTimestamp, Kind::kTrace}) {
    const TagInput input{.id = identity.id,
                         .src = reply.has_quote ? reply.quoted.src : reply.to,
                         .dst = reply.has_quote ? reply.quoted.dst : reply.from,
                         .handle = reply.handle,
                         .kind = kind,
                         .is_spoofed = false};
    if (make_tag(testing::kGoldenKey, input) == identity.tag) return true;
  }
  return false;
}

TEST(Mutation, NeverLeavesTheRangesOrProvesAnotherProbe) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<Packet> frames = fixtures();
  int accepted = 0;
  for (int i = 0; i < 300'000; ++i) {
    Packet frame = frames[random() % frames.size()];
    for (std::size_t left = 1 + random() % 4; left > 0; --left) {
      frame[random() % frame.size()] = static_cast<std::byte>(random());
    }
    // Half of them pass the checksums, to let the damage in.
    const std::size_t header_bytes = std::to_integer<std::size_t>(frame[14]) % 16 * 4;
    if (random() % 2 == 0 && header_bytes >= 20 && packet_bytes(frame) >= header_bytes + 20 &&
        14 + packet_bytes(frame) <= frame.size()) {
      Packet packet(frame.begin() + 14,
                    frame.begin() + 14 + static_cast<long>(packet_bytes(frame)));
      testing::fix_checksums(packet);
      std::copy(packet.begin(), packet.end(), frame.begin() + 14);
    }
    const auto reply = parse_exact(frame);
    if (!reply) continue;
    ++accepted;
    expect_in_range(*reply);
    if (reply->type == ReplyType::kEchoReply && is_proven(*reply, reply->identity)) {
      EXPECT_EQ(reply->identity.id, testing::kGoldenId);
      EXPECT_EQ(reply->handle, testing::kGoldenHandle);
      EXPECT_EQ(reply->to, ip("192.0.2.1"));
    }
    if (reply->quoted.has_identity && is_proven(*reply, reply->quoted.identity)) {
      EXPECT_EQ(reply->quoted.identity.id, testing::kGoldenId);
      EXPECT_EQ(reply->handle, testing::kGoldenHandle);
      EXPECT_EQ(reply->quoted.src, ip("192.0.2.1"));
    }
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Mutation, RandomBytesAreRefusedOrInRange) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 300'000; ++i) {
    Packet bytes(random() % 200);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    if (bytes.size() > 14) {
      store_be16(bytes.data() + 12, 0x0800);
      bytes[14] = static_cast<std::byte>(0x40 | (random() & 0xf));
    }
    const auto reply = parse_exact(bytes);
    if (reply) expect_in_range(*reply);
  }
}

}  // namespace
}  // namespace backsight::probes
