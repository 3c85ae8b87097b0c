// Ethernet frames: VLAN tags and padding.
#include <gtest/gtest.h>

#include "golden.h"
#include "probes/reply.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::in_ethernet;
using testing::make_golden_probe;
using testing::Packet;

const MacAddr kOurs = *parse_mac("02:00:00:00:00:01");
const MacAddr kTheirs = *parse_mac("02:00:00:00:00:02");

TEST(ParseFrame, SkipsUpToTwoVlanTags) {
  const Packet reply = testing::make_echo_reply(make_golden_probe(testing::kRecordRoute));
  for (const std::vector<std::uint16_t>& vlans :
       {std::vector<std::uint16_t>{}, {100}, {100, 200}}) {
    const auto parsed = parse_frame(in_ethernet(reply, kOurs, kTheirs, vlans));
    ASSERT_TRUE(parsed) << vlans.size();
    EXPECT_EQ(parsed->handle, testing::kGoldenHandle);
  }
}

TEST(ParseFrame, RefusesThreeVlanTags) {
  const Packet reply = testing::make_echo_reply(make_golden_probe(testing::kPing));
  const std::vector<std::uint16_t> vlans = {1, 2, 3};
  const auto parsed = parse_frame(in_ethernet(reply, kOurs, kTheirs, vlans));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), Reject::kNotIpv4);
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
