// Ethernet frames: VLAN tags and padding.
#include <gtest/gtest.h>

#include "golden.h"
#include "probes/reading/reply.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::in_ethernet;
using testing::make_golden_probe;
using testing::Packet;

const MacAddr kOurs = *parse_mac("02:00:00:00:00:01");
const MacAddr kTheirs = *parse_mac("02:00:00:00:00:02");

// Priority 7, drop eligible: what stands beside the VLAN's number.
constexpr std::uint16_t kUrgent = 0xf000;

TEST(ParseFrame, SkipsTagsThatNameAPriorityOnly) {
  const Packet reply = testing::make_echo_reply(make_golden_probe(testing::kRecordRoute));
  for (const std::vector<std::uint16_t>& tags :
       {std::vector<std::uint16_t>{}, {0}, {kUrgent}, {kUrgent, 0}}) {
    const auto parsed = parse_frame(in_ethernet(reply, kOurs, kTheirs, tags));
    ASSERT_TRUE(parsed) << tags.size();
    EXPECT_EQ(parsed->handle, testing::kGoldenHandle);
  }
}

TEST(ParseFrame, RefusesEveryVlanInEveryPlace) {
  const Packet reply = testing::make_echo_reply(make_golden_probe(testing::kPing));
  for (std::uint16_t vlan = 1; vlan < 4096; ++vlan) {
    const auto urgent = static_cast<std::uint16_t>(kUrgent | vlan);
    for (const std::vector<std::uint16_t>& tags :
         {std::vector<std::uint16_t>{vlan}, {urgent}, {0, vlan}, {vlan, 0}, {7, vlan}}) {
      const auto parsed = parse_frame(in_ethernet(reply, kOurs, kTheirs, tags));
      ASSERT_FALSE(parsed) << vlan;
      ASSERT_EQ(parsed.error(), Reject::kVlan) << vlan;
    }
  }
}

TEST(ParseFrame, RefusesThreeTagsWhateverTheyName) {
  const Packet reply = testing::make_echo_reply(make_golden_probe(testing::kPing));
  for (const std::vector<std::uint16_t>& tags :
       {std::vector<std::uint16_t>{0, 0, 0}, {0, 0, 3}, {1, 2, 3}}) {
    const auto parsed = parse_frame(in_ethernet(reply, kOurs, kTheirs, tags));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error(), Reject::kVlan);
  }
}

TEST(ParseFrame, IgnoresPaddingWhateverItHolds) {
  const Packet reset = testing::make_tcp_reset(make_golden_probe(testing::kTcpTrace));
  Packet frame = in_ethernet(reset, kOurs, kTheirs);
  ASSERT_EQ(frame.size(), 60u);  // 14 + 40 and six bytes of padding
  for (std::size_t i = 54; i < frame.size(); ++i) frame[i] = std::byte{0xee};
  EXPECT_TRUE(parse_frame(frame));
  frame.resize(1500, std::byte{0xee});
  EXPECT_TRUE(parse_frame(frame));
}

TEST(ParseFrame, APacketIsAFrameWithoutEthernet) {
  const Packet packet = testing::make_echo_reply(make_golden_probe(testing::kPing));
  const auto from_frame = parse_frame(in_ethernet(packet, kOurs, kTheirs));
  const auto from_packet = parse_packet(packet);
  ASSERT_TRUE(from_frame);
  ASSERT_TRUE(from_packet);
  EXPECT_EQ(from_frame->identity.tag, from_packet->identity.tag);
}

}  // namespace
}  // namespace backsight::probes
