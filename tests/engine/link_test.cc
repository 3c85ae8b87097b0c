// ARP frames, pings answered in place, and the neighbours of a port on a clock that the test moves.
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "engine/device/arp.h"
#include "engine/device/echo_responder.h"
#include "engine/device/neighbours.h"
#include "fake_time.h"
#include "probes/reply.h"
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

TEST(Arp, ReadsWhatIsPaddedAndTagged) {
  Packet padded = from_hex(kRequest);
  padded.resize(60);
  EXPECT_TRUE(parse_arp(padded));
  Packet tagged = from_hex(kRequest);
  const Packet tag = from_hex("8100 002a");
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  EXPECT_TRUE(parse_arp(tagged));
  const Packet outer = from_hex("88a8 0007");
  tagged.insert(tagged.begin() + 12, outer.begin(), outer.end());
  EXPECT_TRUE(parse_arp(tagged));
  tagged.insert(tagged.begin() + 12, outer.begin(), outer.end());
  EXPECT_FALSE(parse_arp(tagged)) << "three tags";
}

TEST(Arp, RefusesEachTruncation) {
  const Packet whole = from_hex(kRequest);
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const std::unique_ptr<std::byte[]> cut(new std::byte[bytes]);
    std::copy_n(whole.begin(), bytes, cut.get());
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
  ASSERT_EQ(answer_echo_in_place(frame, ip("192.0.2.10")), 14 + request.size());
  frame.resize(14 + request.size());
  const Packet expected = testing::make_echo_reply(request, {}, 64);
  EXPECT_EQ(to_hex(std::span(frame).subspan(14)), to_hex(expected));
  EXPECT_EQ(to_hex(std::span(frame).first(14)), "02000000000b02000000000a0800");
}

TEST(EchoResponder, StampsARecordedRoute) {
  const Packet request = echo_request("07 0b 08 0a000001 00000000 00");
  Packet frame = testing::in_ethernet(request, kOwn, kOther);
  ASSERT_EQ(answer_echo_in_place(frame, ip("192.0.2.10")), 14 + request.size());
  frame.resize(14 + request.size());
  const std::vector<Ipv4Addr> stamps = {ip("192.0.2.10")};
  EXPECT_EQ(to_hex(std::span(frame).subspan(14)),
            to_hex(testing::make_echo_reply(request, stamps, 64)));
}

TEST(EchoResponder, LeavesAFullRouteAsItIs) {
  const Packet request = echo_request("07 0b 0c 0a000001 0a000002 01");
  Packet frame = testing::in_ethernet(request, kOwn, kOther);
  ASSERT_NE(answer_echo_in_place(frame, ip("192.0.2.10")), 0U);
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
    ASSERT_EQ(answer_echo_in_place({exact.get(), bytes}, ip("192.0.2.10")), bytes) << options;
    const auto reply = probes::parse_frame({exact.get(), bytes});
    EXPECT_TRUE(reply || reply.error() == probes::Reject::kIpOptions ||
                reply.error() == probes::Reject::kNoIdentity)
        << options << name(reply.error());
  }
}

TEST(EchoResponder, LeavesEachTruncationAlone) {
  const Packet whole =
      testing::in_ethernet(echo_request("07 0b 04 00000000 00000000 00"), kOwn, kOther);
  const std::size_t needed = 14 + echo_request("07 0b 04 00000000 00000000 00").size();
  for (std::size_t bytes = 0; bytes < needed; ++bytes) {
    const std::unique_ptr<std::byte[]> cut(new std::byte[bytes]);
    std::copy_n(whole.begin(), bytes, cut.get());
    EXPECT_EQ(answer_echo_in_place({cut.get(), bytes}, ip("192.0.2.10")), 0U) << bytes;
    EXPECT_TRUE(std::equal(cut.get(), cut.get() + bytes, whole.begin())) << "touched";
  }
}

TEST(EchoResponder, LeavesAloneWhatIsTaggedOrForAnother) {
  const std::vector<std::uint16_t> vlans = {42};
  Packet tagged = testing::in_ethernet(echo_request(), kOwn, kOther, vlans);
  EXPECT_EQ(answer_echo_in_place(tagged, ip("192.0.2.10")), 0U);
  Packet frame = testing::in_ethernet(echo_request(), kOwn, kOther);
  EXPECT_EQ(answer_echo_in_place(frame, ip("192.0.2.11")), 0U);
}

// --- neighbours ---------------------------------------------------------------------------------

class NeighboursTest : public ::testing::Test {
 protected:
  using State = Neighbours::State;

  static config::PortConfig port(bool has_gateway = true) {
    config::PortConfig config;
    config.address = ip("192.0.2.10");
    config.prefix_length = 20;
    if (has_gateway) config.gateway = ip("192.0.2.1");
    return config;
  }
  // The addresses asked for within these milliseconds, looking every 10.
  std::vector<Ipv4Addr> asked(Neighbours& neighbours, std::uint64_t ms) {
    std::vector<Ipv4Addr> all;
    std::array<Ipv4Addr, 16> out;
    for (const std::uint64_t end = now_ms + ms; now_ms < end; now_ms += 10) {
      const std::size_t count = neighbours.due(at_ms(now_ms), out);
      all.insert(all.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return all;
  }
  static State state(Neighbours& neighbours, const char* address) {
    return neighbours.find(ip(address)).state;
  }

  const TscClock clock{kTicksPerSecond};
  std::uint64_t now_ms = 1'000'000;
};

TEST_F(NeighboursTest, AskForTheGatewayEverySecondUntilItAnswers) {
  Neighbours neighbours(port(), clock);
  EXPECT_EQ(state(neighbours, "198.51.100.7"), State::kAsking);
  EXPECT_FALSE(neighbours.gateway_is_known());
  EXPECT_EQ(asked(neighbours, 20'000).size(), 20U);
  EXPECT_EQ(state(neighbours, "198.51.100.7"), State::kAsking) << "asked for ever";
  neighbours.learn(ip("192.0.2.1"), kOther, at_ms(now_ms));
  EXPECT_EQ(state(neighbours, "198.51.100.7"), State::kKnown);
  EXPECT_EQ(neighbours.find(ip("198.51.100.7")).mac(), kOther);
  EXPECT_EQ(neighbours.gateway_mac(), kOther);
  EXPECT_TRUE(asked(neighbours, 59'000).empty());
}

TEST_F(NeighboursTest, AskAKnownGatewayAgainAndForgetItWhenItStaysSilent) {
  Neighbours neighbours(port(), clock);
  neighbours.learn(ip("192.0.2.1"), kOther, at_ms(now_ms));
  now_ms += 59'990;
  EXPECT_FALSE(asked(neighbours, 2'000).empty());
  now_ms += 100'000;
  EXPECT_EQ(state(neighbours, "198.51.100.7"), State::kKnown) << "three minutes are not over";
  now_ms += 30'000;
  EXPECT_FALSE(asked(neighbours, 2'000).empty());
  EXPECT_EQ(state(neighbours, "198.51.100.7"), State::kAsking);
  neighbours.learn(ip("192.0.2.1"), kOwn, at_ms(now_ms));
  EXPECT_EQ(neighbours.find(ip("198.51.100.7")).mac(), kOwn) << "and learn its new one";
}

TEST_F(NeighboursTest, TakeAGatewayFromTheConfigAsItIs) {
  config::PortConfig config = port();
  config.gateway_mac = kOther;
  Neighbours neighbours(config, clock);
  EXPECT_EQ(neighbours.find(ip("198.51.100.7")).mac(), kOther);
  neighbours.learn(ip("192.0.2.1"), kOwn, at_ms(now_ms));
  EXPECT_EQ(neighbours.find(ip("198.51.100.7")).mac(), kOther);
  EXPECT_TRUE(asked(neighbours, 400'000).empty());
}

TEST_F(NeighboursTest, HaveNoRouteBeyondTheLinkWithoutAGateway) {
  Neighbours neighbours(port(false), clock);
  EXPECT_EQ(state(neighbours, "198.51.100.7"), State::kNoRoute);
  EXPECT_EQ(state(neighbours, "192.0.2.77"), State::kAsking);
  EXPECT_TRUE(neighbours.gateway_is_known()) << "there is none to know";
}

TEST_F(NeighboursTest, AskThreeTimesForAHostOnTheLinkAndThenTakeItForAbsent) {
  Neighbours neighbours(port(false), clock);
  EXPECT_EQ(state(neighbours, "192.0.2.77"), State::kAsking);
  const auto all = asked(neighbours, 5'000);
  EXPECT_EQ(all, std::vector<Ipv4Addr>(3, ip("192.0.2.77")));
  EXPECT_EQ(state(neighbours, "192.0.2.77"), State::kAbsent);
  EXPECT_LE(asked(neighbours, 30'000).size(), 4U) << "now and then";
  neighbours.learn(ip("192.0.2.77"), kOther, at_ms(now_ms));
  EXPECT_EQ(neighbours.find(ip("192.0.2.77")).mac(), kOther);
  now_ms += 200'000;
  EXPECT_EQ(asked(neighbours, 5'000).size(), 3U) << "forgotten, it is asked anew";
  EXPECT_EQ(state(neighbours, "192.0.2.77"), State::kAbsent);
}

TEST_F(NeighboursTest, LearnNothingOfWhomTheyDidNotAskFor) {
  Neighbours neighbours(port(), clock);
  neighbours.learn(ip("192.0.2.77"), kOther, at_ms(now_ms));
  neighbours.learn({}, kOther, at_ms(now_ms));
  EXPECT_EQ(state(neighbours, "192.0.2.77"), State::kAsking);
  EXPECT_FALSE(neighbours.gateway_is_known());
}

TEST_F(NeighboursTest, KnowAThousandHostsOnTheLinkAndSayWhenThereAreMore) {
  Neighbours neighbours(port(false), clock);
  const std::uint32_t first = ip("192.0.0.1").value;
  for (std::uint32_t i = 0; i < 1024; ++i) {
    ASSERT_EQ(neighbours.find({first + i}).state, State::kAsking) << i;
  }
  EXPECT_EQ(neighbours.find({first + 1024}).state, State::kAbsent);
  EXPECT_EQ(asked(neighbours, 1'000).size(), 1024U);
  for (std::uint32_t i = 0; i < 1024; ++i) {
    MacAddr mac = kOther;
    mac.bytes[4] = static_cast<std::uint8_t>(i >> 8);
    mac.bytes[5] = static_cast<std::uint8_t>(i);
    neighbours.learn({first + i}, mac, at_ms(now_ms));
    ASSERT_EQ(neighbours.find({first + i}).mac(), mac);
  }
}

}  // namespace
}  // namespace backsight::engine
