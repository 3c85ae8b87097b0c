// ARP frames, and pings answered in place.
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "engine/device/arp.h"
#include "engine/device/echo_responder.h"
#include "probes/reading/reply.h"
#include "tests/support/hex.h"
#include "tests/support/model_router.h"

namespace backsight::engine {
namespace {

using probes::Ipv4Addr;
using probes::MacAddr;
using testing::from_hex;
using testing::Packet;
using testing::to_hex;

Ipv4Addr ip(const char* text) { return *probes::parse_ipv4(text); }

constexpr MacAddr kOwn{{0x02, 0, 0, 0, 0, 0x0a}};
constexpr MacAddr kOther{{0x02, 0, 0, 0, 0, 0x0b}};

// --- ARP ----------------------------------------------------------------------------------------

constexpr const char* kRequest = R"(
  ffffffffffff 02000000000b 0806   # broadcast, from 02:..:0b, ARP
  0001 0800 06 04 0001             # Ethernet, IPv4, 6 and 4 bytes, request
  02000000000b c000020b            # sender 192.0.2.11
  000000000000 c000020a            # who has 192.0.2.10
)";

TEST(Arp, ReadsARequest) {
  const auto packet = parse_arp(from_hex(kRequest));
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->is_request);
  EXPECT_EQ(packet->sender_mac, kOther);
  EXPECT_EQ(packet->sender, ip("192.0.2.11"));
  EXPECT_EQ(packet->target, ip("192.0.2.10"));
}

Packet with_tags(const char* frame, const char* tags) {
  Packet tagged = from_hex(frame);
  const Packet more = from_hex(tags);
  tagged.insert(tagged.begin() + 12, more.begin(), more.end());
  return tagged;
}

TEST(Arp, ReadsWhatIsPaddedAndWhatHasAPriority) {
  Packet padded = from_hex(kRequest);
  padded.resize(60);
  EXPECT_TRUE(parse_arp(padded));
  for (const char* const tags : {"8100 0000", "8100 f000", "88a8 e000", "8100 6000 8100 0000"}) {
    EXPECT_TRUE(parse_arp(with_tags(kRequest, tags))) << tags;
  }
}

TEST(Arp, RefusesOtherVlansAndStacksOfTags) {
  for (const char* const tags : {"8100 002a", "8100 0fff", "88a8 0007", "88a8 0007 8100 0000",
                                 "8100 0000 8100 0001", "8100 0000 8100 0000 8100 0000"}) {
    EXPECT_FALSE(parse_arp(with_tags(kRequest, tags))) << tags;
  }
}

TEST(Arp, RefusesEachTruncation) {
  const Packet whole = from_hex(kRequest);
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const std::unique_ptr<std::byte[]> cut(new std::byte[bytes]);
    std::copy_n(whole.begin(), bytes, cut.get());
    EXPECT_FALSE(parse_arp({cut.get(), bytes})) << bytes;
  }
  const Packet tagged = with_tags(kRequest, "8100 0000");
  for (std::size_t bytes = 0; bytes < tagged.size(); ++bytes) {
    const std::unique_ptr<std::byte[]> cut(new std::byte[bytes]);
    std::copy_n(tagged.begin(), bytes, cut.get());
    EXPECT_FALSE(parse_arp({cut.get(), bytes})) << bytes;
  }
}

TEST(Arp, RefusesWhatIsNotArpForIpv4OnEthernet) {
  // The fields before the addresses, and the EtherType.
  for (const std::size_t at : {12U, 14U, 15U, 16U, 17U, 18U, 19U, 20U}) {
    Packet frame = from_hex(kRequest);
    frame[at] ^= std::byte{0x10};
    EXPECT_FALSE(parse_arp(frame)) << at;
  }
  Packet rarp = from_hex(kRequest);
  rarp[21] = std::byte{3};
  EXPECT_FALSE(parse_arp(rarp));
}

TEST(Arp, AsksByBroadcast) {
  EXPECT_EQ(to_hex(craft_arp_request(kOther, ip("192.0.2.11"), ip("192.0.2.10"))),
            to_hex(from_hex(kRequest)));
}

TEST(Arp, AsksANeighbourItself) {
  const ArpFrame frame = craft_arp_request(kOwn, ip("192.0.2.10"), ip("192.0.2.11"), kOther);
  EXPECT_EQ(to_hex(frame), to_hex(from_hex(R"(
    02000000000b 02000000000a 0806
    0001 0800 06 04 0001
    02000000000a c000020a
    000000000000 c000020b)")));
}

// RFC 1812, section 3.3.2; RFC 1122, section 3.2.1.3.
TEST(Arp, BelievesNoSenderThatCannotBe) {
  const auto is_possible = [](MacAddr mac, const char* address, bool is_request = false) {
    return has_possible_sender({.is_request = is_request,
                                .sender_mac = mac,
                                .sender = ip(address),
                                .target_mac = {},
                                .target = {}});
  };
  EXPECT_TRUE(is_possible(kOther, "192.0.2.1"));
  for (const MacAddr mac : {probes::kBroadcastMac, MacAddr{}, MacAddr{{0x01, 0, 0x5e, 0, 0, 1}},
                            MacAddr{{0x33, 0x33, 0, 0, 0, 1}}, MacAddr{{0x03, 0, 0, 0, 0, 1}}}) {
    EXPECT_FALSE(is_possible(mac, "192.0.2.1")) << probes::to_string(mac);
    EXPECT_FALSE(is_possible(mac, "192.0.2.1", true)) << probes::to_string(mac);
    EXPECT_FALSE(is_possible(mac, "0.0.0.0", true)) << probes::to_string(mac);
  }
  for (const char* const address :
       {"0.0.0.1", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"}) {
    EXPECT_FALSE(is_possible(kOther, address)) << address;
    EXPECT_FALSE(is_possible(kOther, address, true)) << address;
  }
  EXPECT_TRUE(is_possible(kOther, "0.0.0.0", true)) << "a probe claims nothing (RFC 5227)";
  EXPECT_FALSE(is_possible(kOther, "0.0.0.0"));
}

TEST(Arp, AnswersToWhoAsked) {
  const auto request = parse_arp(from_hex(kRequest));
  const ArpFrame reply = craft_arp_reply(kOwn, ip("192.0.2.10"), *request);
  EXPECT_EQ(to_hex(reply), to_hex(from_hex(R"(
    02000000000b 02000000000a 0806
    0001 0800 06 04 0002
    02000000000a c000020a
    02000000000b c000020b)")));
  const auto packet = parse_arp(reply);
  ASSERT_TRUE(packet);
  EXPECT_FALSE(packet->is_request);
}

// --- pings --------------------------------------------------------------------------------------

Packet echo_request(const char* options = "") {
  Packet packet = from_hex(
      "45000000 12340000 05010000 cb007105 c000020a"  // TTL 5, 203.0.113.5 to 192.0.2.10
      "08000000 00070001 6261636b7369676874");        // echo request; an odd number of bytes
  const Packet more = from_hex(options);
  packet.insert(packet.begin() + 20, more.begin(), more.end());
  packet[0] = static_cast<std::byte>(0x45 + more.size() / 4);
  packet[3] = static_cast<std::byte>(packet.size());
  testing::fix_checksums(packet);
  return packet;
}

TEST(EchoResponder, TurnsARequestRound) {
  const Packet request = echo_request();
  Packet frame = testing::in_ethernet(request, kOwn, kOther);
  ASSERT_EQ(answer_echo_in_place(frame, ip("192.0.2.10")).size(), 14 + request.size());
  frame.resize(14 + request.size());
  const Packet expected = testing::make_echo_reply(request, {}, 64);
  EXPECT_EQ(to_hex(std::span(frame).subspan(14)), to_hex(expected));
  EXPECT_EQ(to_hex(std::span(frame).first(14)), "02000000000b02000000000a0800");
}

TEST(EchoResponder, StampsARecordedRoute) {
  const Packet request = echo_request("07 0b 08 0a000001 00000000 00");
  Packet frame = testing::in_ethernet(request, kOwn, kOther);
  ASSERT_EQ(answer_echo_in_place(frame, ip("192.0.2.10")).size(), 14 + request.size());
  frame.resize(14 + request.size());
  const std::vector<Ipv4Addr> stamps = {ip("192.0.2.10")};
  EXPECT_EQ(to_hex(std::span(frame).subspan(14)),
            to_hex(testing::make_echo_reply(request, stamps, 64)));
}

TEST(EchoResponder, LeavesAFullRouteAsItIs) {
  const Packet request = echo_request("07 0b 0c 0a000001 0a000002 01");
  Packet frame = testing::in_ethernet(request, kOwn, kOther);
  ASSERT_FALSE(answer_echo_in_place(frame, ip("192.0.2.10")).empty());
  EXPECT_EQ(to_hex(std::span(frame).subspan(34, 12)), "070b0c0a0000010a00000201");
}

TEST(EchoResponder, StampsBehindOtherOptionsAndSurvivesBrokenOnes) {
  for (const char* const options :
       {"01 01 07 07 04 00000000 000000", "94040000 07 07 04 00000000 00", "07 03 04 00",
        "07 ff 04 00000000 00", "07 02 04 00", "94 00 00 00", "07 07 00 00000000 00",
        "07 07 05 00000000 00", "01 01 01 07", "07 07 ff 00000000 00"}) {
    const Packet request = echo_request(options);
    const std::size_t bytes = 14 + request.size();
    const std::unique_ptr<std::byte[]> exact(new std::byte[bytes]);
    const Packet frame = testing::in_ethernet(request, kOwn, kOther);
    std::copy_n(frame.begin(), bytes, exact.get());
    ASSERT_EQ(answer_echo_in_place({exact.get(), bytes}, ip("192.0.2.10")).size(), bytes)
        << options;
    const auto reply = probes::parse_frame({exact.get(), bytes});
    EXPECT_TRUE(reply) << options << name(reply.error());
  }
}

// Two bytes are the shortest option there may be (RFC 791, section 3.1).
TEST(EchoResponder, StampsBehindAnOptionOfTwoBytes) {
  Packet frame = testing::in_ethernet(echo_request("94 02 07 07 04 00000000 000000"), kOwn, kOther);
  ASSERT_FALSE(answer_echo_in_place(frame, ip("192.0.2.10")).empty());
  EXPECT_EQ(to_hex(std::span(frame).subspan(34, 12)), "9402070708c000020a000000");
}

TEST(EchoResponder, LeavesEachTruncationAlone) {
  const Packet whole =
      testing::in_ethernet(echo_request("07 0b 04 00000000 00000000 00"), kOwn, kOther);
  const std::size_t needed = 14 + echo_request("07 0b 04 00000000 00000000 00").size();
  for (std::size_t bytes = 0; bytes < needed; ++bytes) {
    const std::unique_ptr<std::byte[]> cut(new std::byte[bytes]);
    std::copy_n(whole.begin(), bytes, cut.get());
    EXPECT_TRUE(answer_echo_in_place({cut.get(), bytes}, ip("192.0.2.10")).empty()) << bytes;
    EXPECT_TRUE(std::equal(cut.get(), cut.get() + bytes, whole.begin())) << "touched";
  }
}

TEST(EchoResponder, AnswersWithoutThePriorityTagsOfTheRequest) {
  const Packet request = echo_request();
  const std::string expected =
      "02000000000b02000000000a0800" + to_hex(testing::make_echo_reply(request, {}, 64));
  for (const std::vector<std::uint16_t>& tags : {std::vector<std::uint16_t>{0xe000}, {0, 0x2000}}) {
    Packet frame = testing::in_ethernet(request, kOwn, kOther, tags);
    const std::size_t bytes = 14 + 4 * tags.size() + request.size();
    const std::unique_ptr<std::byte[]> exact(new std::byte[bytes]);
    std::copy_n(frame.begin(), bytes, exact.get());
    EXPECT_EQ(to_hex(answer_echo_in_place({exact.get(), bytes}, ip("192.0.2.10"))), expected);
  }
}

TEST(EchoResponder, LeavesAloneWhatIsOfAnotherVlanOrForAnother) {
  for (const std::vector<std::uint16_t>& tags : {std::vector<std::uint16_t>{42}, {0, 42}}) {
    Packet tagged = testing::in_ethernet(echo_request(), kOwn, kOther, tags);
    EXPECT_TRUE(answer_echo_in_place(tagged, ip("192.0.2.10")).empty());
  }
  Packet frame = testing::in_ethernet(echo_request(), kOwn, kOther);
  EXPECT_TRUE(answer_echo_in_place(frame, ip("192.0.2.11")).empty());
}

}  // namespace
}  // namespace backsight::engine
