// The neighbours of a port, on a clock that the test moves and a link that it plays.
#include "engine/device/neighbours.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <vector>

#include "fake_time.h"

namespace backsight::engine {
namespace {

using probes::Ipv4Addr;
using probes::kBroadcastMac;
using probes::MacAddr;

Ipv4Addr ip(const char* text) { return *probes::parse_ipv4(text); }

constexpr MacAddr kOurs{{0x02, 0, 0, 0, 0, 0x0a}};
constexpr MacAddr kFirst{{0x02, 0, 0, 0, 0, 0x0b}};
constexpr MacAddr kSecond{{0x02, 0, 0, 0, 0, 0x0c}};
const Ipv4Addr kOwn = ip("192.0.2.10");
const Ipv4Addr kGateway = ip("192.0.2.1");
const Ipv4Addr kHost = ip("192.0.2.77");
const Ipv4Addr kBeyond = ip("198.51.100.7");

class NeighboursTest : public ::testing::Test {
 protected:
  using State = Neighbours::State;
  struct Asked {
    std::uint64_t at_ms;
    Ipv4Addr address;
    MacAddr to;
  };

  static config::PortConfig port(bool has_gateway = true) {
    config::PortConfig config;
    config.address = kOwn;
    config.prefix_length = 20;
    if (has_gateway) config.gateway = kGateway;
    return config;
  }
  void use(const config::PortConfig& config) { neighbours.emplace(config, clock); }

  // Lets the time pass. Stations answer what they are asked, sent to everybody or to them.
  std::vector<Asked> pass(std::uint64_t ms) {
    std::vector<Asked> all;
    std::array<Neighbours::Question, 16> out;
    for (const std::uint64_t end = now_ms + ms; now_ms < end; now_ms += 10) {
      const std::size_t count = neighbours->due(at_ms(now_ms), out);
      for (std::size_t i = 0; i < count; ++i) {
        all.push_back({now_ms, out[i].address, out[i].to});
        const auto station = stations.find(out[i].address);
        if (station == stations.end()) continue;
        if (out[i].to == kBroadcastMac || out[i].to == station->second) {
          hear(out[i].address, station->second);
        }
      }
    }
    return all;
  }
  // The same while something is sent to `to` every 10 ms, which is answered if it gets through.
  std::vector<Asked> send(Ipv4Addr to, std::uint64_t ms, bool is_answered) {
    std::vector<Asked> all;
    for (const std::uint64_t end = now_ms + ms; now_ms < end;) {
      const auto found = neighbours->find(to, at_ms(now_ms));
      if (found.state == State::kKnown && is_answered) neighbours->prove(to, at_ms(now_ms));
      for (const Asked& it : pass(10)) all.push_back(it);
    }
    return all;
  }
  ArpOutcome hear(Ipv4Addr sender, MacAddr mac, bool is_request = false, Ipv4Addr target = kOwn) {
    return neighbours->hear({.is_request = is_request,
                             .sender_mac = mac,
                             .sender = sender,
                             .target_mac = {},
                             .target = target},
                            at_ms(now_ms));
  }
  Neighbours::Found find(Ipv4Addr address) { return neighbours->find(address, at_ms(now_ms)); }
  State state(Ipv4Addr address) { return find(address).state; }
  // A gateway that is known at kFirst, and answers.
  void know_gateway() {
    use(port());
    stations[kGateway] = kFirst;
    pass(10);
    ASSERT_EQ(neighbours->gateway_mac(), kFirst);
  }

  const TscClock clock{kTicksPerSecond};
  std::optional<Neighbours> neighbours;
  std::map<Ipv4Addr, MacAddr> stations;
  std::uint64_t now_ms = 1'000'000;
};

// --- the gateway -------------------------------------------------------------------------------

TEST_F(NeighboursTest, AskForTheGatewayEverySecondUntilItAnswers) {
  use(port());
  EXPECT_EQ(state(kBeyond), State::kAsking);
  EXPECT_FALSE(neighbours->gateway_is_known());
  const auto asked = pass(20'000);
  EXPECT_EQ(asked.size(), 20U);
  for (const Asked& it : asked) EXPECT_EQ(it.to, kBroadcastMac);
  EXPECT_EQ(state(kBeyond), State::kAsking) << "asked for ever";
  EXPECT_EQ(hear(kGateway, kFirst), ArpOutcome::kAnswer);
  EXPECT_EQ(find(kBeyond).mac(), kFirst);
  EXPECT_EQ(find(kGateway).mac(), kFirst);
  EXPECT_EQ(neighbours->gateway_mac(), kFirst);
  EXPECT_EQ(neighbours->gateway_moves(), 0U);
}

TEST_F(NeighboursTest, AskAKnownGatewayEveryMinuteAndItAlone) {
  know_gateway();
  const auto asked = pass(300'000);
  EXPECT_EQ(asked.size(), 5U);
  for (const Asked& it : asked) EXPECT_EQ(it.to, kFirst);
  EXPECT_TRUE(neighbours->gateway_is_known());
}

TEST_F(NeighboursTest, NeedNoQuestionsWhileWhatIsSentIsAnswered) {
  know_gateway();
  EXPECT_TRUE(send(kBeyond, 300'000, true).empty());
}

TEST_F(NeighboursTest, ForgetAGatewayThatLeavesSixQuestionsUnanswered) {
  know_gateway();
  stations.clear();
  pass(60'000);
  EXPECT_TRUE(neighbours->gateway_is_known());
  pass(6'000);
  EXPECT_FALSE(neighbours->gateway_is_known());
  EXPECT_EQ(state(kBeyond), State::kAsking) << "and ask for it ever after";
  EXPECT_EQ(pass(10'000).size(), 10U);
  stations[kGateway] = kFirst;
  pass(1'000);
  EXPECT_TRUE(neighbours->gateway_is_known());
  EXPECT_EQ(neighbours->gateway_moves(), 0U) << "it is where it was";
}

TEST_F(NeighboursTest, KeepAGatewayThatAnswersNoArpButPassesOnWhatIsSent) {
  know_gateway();
  stations.clear();
  hear(kGateway, kSecond);
  send(kBeyond, 20'000, true);
  EXPECT_EQ(neighbours->gateway_mac(), kFirst);
}

TEST_F(NeighboursTest, TakeAnAnswerThatIsFiveSecondsLate) {
  use(port());
  pass(5'000);
  hear(kGateway, kFirst);
  EXPECT_TRUE(neighbours->gateway_is_known());
  pass(60'000);
  hear(kGateway, kFirst);
  pass(4'900);
  EXPECT_TRUE(neighbours->gateway_is_known());
  EXPECT_EQ(hear(kGateway, kFirst), ArpOutcome::kAnswer);
  EXPECT_TRUE(pass(59'000).empty());
}

TEST_F(NeighboursTest, FindAGatewayThatMovedWithoutAWordWithinFiveSeconds) {
  know_gateway();
  for (const std::uint64_t quiet_ms : {0, 100, 1'000, 30'000, 59'000, 600'000}) {
    pass(quiet_ms);
    const MacAddr next = stations[kGateway] == kFirst ? kSecond : kFirst;
    const std::uint64_t moves = neighbours->gateway_moves();
    stations[kGateway] = next;
    send(kBeyond, 5'000, false);
    EXPECT_EQ(neighbours->gateway_mac(), next) << "after " << quiet_ms << " ms of quiet";
    EXPECT_EQ(neighbours->gateway_moves(), moves + 1);
  }
}

TEST_F(NeighboursTest, FindAGatewayThatMovedByOneProbeAlone) {
  know_gateway();
  pass(20'000);
  stations[kGateway] = kSecond;
  EXPECT_EQ(find(kBeyond).mac(), kFirst);
  pass(5'000);
  EXPECT_EQ(find(kBeyond).mac(), kSecond);
}

TEST_F(NeighboursTest, AskTheGatewayNowAndThenWhileNobodyAnswersAnything) {
  know_gateway();
  const auto asked = send(kBeyond, 60'000, false);
  EXPECT_LE(asked.size(), 40U);
  EXPECT_GE(asked.size(), 20U);
  for (const Asked& it : asked) EXPECT_EQ(it.to, kFirst) << "nobody else is disturbed";
  EXPECT_EQ(neighbours->gateway_moves(), 0U);
}

// --- what is not believed ----------------------------------------------------------------------

TEST_F(NeighboursTest, LetNobodyReplaceAGatewayThatIsThere) {
  know_gateway();
  for (std::uint64_t i = 0; i < 12'000; ++i) {
    EXPECT_EQ(hear(kGateway, kSecond), ArpOutcome::kUnasked);
    hear(kGateway, kSecond, true);
    hear(kGateway, kSecond, true, kGateway);   // gratuitous
    hear(kGateway, kSecond, false, kGateway);  // and as a reply
    for (const Asked& it : pass(10)) ASSERT_EQ(it.to, kFirst);
    ASSERT_EQ(neighbours->gateway_mac(), kFirst) << i;
  }
}

TEST_F(NeighboursTest, AskAtOnceWhenSomebodyElseClaimsToBeTheGateway) {
  know_gateway();
  pass(2'000);
  EXPECT_EQ(hear(kGateway, kSecond, true, kGateway), ArpOutcome::kUnasked);
  stations[kGateway] = kSecond;
  const auto asked = pass(1'500);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].to, kFirst);
  EXPECT_EQ(asked[1].to, kBroadcastMac);
  EXPECT_EQ(neighbours->gateway_mac(), kSecond);
  EXPECT_EQ(neighbours->gateway_moves(), 1U);
}

TEST_F(NeighboursTest, AskOnceASecondHoweverOftenItIsClaimed) {
  know_gateway();
  std::size_t questions = 0;
  for (int i = 0; i < 1'000; ++i) {
    hear(kGateway, kSecond);
    questions += pass(10).size();
  }
  EXPECT_LE(questions, 10U);
}

TEST_F(NeighboursTest, BelieveTheFirstOfTwoAnswers) {
  use(port());
  pass(10);
  EXPECT_EQ(hear(kGateway, kFirst), ArpOutcome::kAnswer);
  EXPECT_EQ(hear(kGateway, kSecond), ArpOutcome::kUnasked);
  EXPECT_EQ(neighbours->gateway_mac(), kFirst);
}

TEST_F(NeighboursTest, TakeNoRequestForAnAnswerOfAKnownGateway) {
  know_gateway();
  stations.clear();
  pass(61'500);  // it is being asked for by broadcast
  EXPECT_EQ(hear(kGateway, kSecond, true), ArpOutcome::kUnasked);
  EXPECT_EQ(hear(kGateway, kSecond, false, ip("192.0.2.99")), ArpOutcome::kUnasked);
  EXPECT_EQ(neighbours->gateway_mac(), kFirst);
  EXPECT_EQ(hear(kGateway, kSecond), ArpOutcome::kAnswer);
  EXPECT_EQ(neighbours->gateway_mac(), kSecond);
}

TEST_F(NeighboursTest, TellWhoClaimsOurOwnAddress) {
  know_gateway();
  EXPECT_FALSE(neighbours->rival());
  EXPECT_EQ(hear(kOwn, kSecond, true, kOwn), ArpOutcome::kConflict);
  EXPECT_EQ(neighbours->rival(), kSecond);
  EXPECT_EQ(hear({}, kFirst, true, kOwn), ArpOutcome::kOther) << "a probe claims nothing";
  EXPECT_EQ(neighbours->rival(), kSecond);
}

TEST_F(NeighboursTest, LearnNothingOfWhomTheyDidNotAskFor) {
  use(port());
  EXPECT_EQ(hear(kHost, kFirst), ArpOutcome::kOther);
  EXPECT_EQ(hear(kBeyond, kFirst), ArpOutcome::kOther);
  EXPECT_EQ(state(kHost), State::kAsking);
  EXPECT_FALSE(neighbours->gateway_is_known());
}

TEST_F(NeighboursTest, TakeAGatewayFromTheConfigAsItIs) {
  config::PortConfig config = port();
  config.gateway_mac = kFirst;
  use(config);
  EXPECT_EQ(find(kBeyond).mac(), kFirst);
  EXPECT_EQ(hear(kGateway, kSecond), ArpOutcome::kOther);
  EXPECT_EQ(find(kBeyond).mac(), kFirst);
  EXPECT_TRUE(send(kBeyond, 400'000, false).empty());
}

// --- where the gateway is ----------------------------------------------------------------------

TEST_F(NeighboursTest, HaveNoRouteBeyondTheLinkWithoutAGateway) {
  use(port(false));
  EXPECT_EQ(state(kBeyond), State::kNoRoute);
  EXPECT_EQ(state(kHost), State::kAsking);
  EXPECT_TRUE(neighbours->gateway_is_known()) << "there is none to know";
}

TEST_F(NeighboursTest, ReachAGatewayWhereverItsAddressIs) {
  for (const unsigned length : {8U, 24U, 31U, 32U}) {
    config::PortConfig config = port();
    config.prefix_length = static_cast<std::uint8_t>(length);
    config.gateway = ip("203.0.113.1");
    use(config);
    const auto asked = pass(10);
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].address, ip("203.0.113.1"));
    hear(ip("203.0.113.1"), kFirst);
    EXPECT_EQ(find(kBeyond).mac(), kFirst);
    EXPECT_EQ(find(ip("203.0.113.1")).mac(), kFirst);
    EXPECT_EQ(find(kHost).state, length < 31 ? State::kAsking : State::kKnown);
  }
}

TEST_F(NeighboursTest, SendAllThroughTheGatewayWhenThePrefixIsNotOnTheLink) {
  config::PortConfig config = port();
  config.on_link = false;
  use(config);
  stations[kGateway] = kFirst;
  pass(10);
  EXPECT_EQ(find(kHost).mac(), kFirst);
  EXPECT_EQ(find(kGateway).mac(), kFirst);
  EXPECT_EQ(hear(kHost, kSecond), ArpOutcome::kOther);
  EXPECT_TRUE(pass(50'000).empty()) << "no host is asked for";
  EXPECT_EQ(find(kHost).mac(), kFirst);
}

// --- hosts on the link -------------------------------------------------------------------------

TEST_F(NeighboursTest, AskThreeTimesForAHostOnTheLinkAndThenTakeItForAbsent) {
  use(port(false));
  EXPECT_EQ(state(kHost), State::kAsking);
  const auto asked = pass(5'000);
  ASSERT_EQ(asked.size(), 3U);
  for (const Asked& it : asked) EXPECT_EQ(it.address, kHost);
  EXPECT_EQ(state(kHost), State::kAbsent);
  EXPECT_TRUE(pass(5'000).empty());
  EXPECT_EQ(state(kHost), State::kAbsent);
  pass(5'000);
  EXPECT_EQ(state(kHost), State::kAsking) << "ten seconds later, anew";
}

TEST_F(NeighboursTest, HearAnAbsentHostThatComesBack) {
  use(port(false));
  EXPECT_EQ(state(kHost), State::kAsking);
  pass(5'000);
  ASSERT_EQ(state(kHost), State::kAbsent);
  EXPECT_EQ(hear(kHost, kFirst, true, ip("192.0.2.99")), ArpOutcome::kAnswer);
  EXPECT_EQ(find(kHost).mac(), kFirst);
}

TEST_F(NeighboursTest, FindAHostThatMovedWithinFiveSeconds) {
  use(port(false));
  stations[kHost] = kFirst;
  EXPECT_EQ(state(kHost), State::kAsking);
  pass(10);
  EXPECT_EQ(hear(kHost, kSecond), ArpOutcome::kUnasked);
  EXPECT_EQ(find(kHost).mac(), kFirst);
  stations[kHost] = kSecond;
  send(kHost, 5'000, false);
  EXPECT_EQ(find(kHost).mac(), kSecond);
  EXPECT_EQ(neighbours->gateway_moves(), 0U);
}

TEST_F(NeighboursTest, LetAHostGoThatNobodyWantsAnyMore) {
  use(port(false));
  stations[kHost] = kFirst;
  EXPECT_EQ(state(kHost), State::kAsking);
  pass(61'000);
  EXPECT_TRUE(pass(600'000).empty());
  EXPECT_EQ(state(kHost), State::kAsking);
}

constexpr std::uint32_t kPlaces = 2048;

TEST_F(NeighboursTest, KnowAThousandHostsOnTheLinkAtOnce) {
  use(port(false));
  const std::uint32_t first = ip("192.0.4.1").value;
  for (std::uint32_t i = 0; i < 1024; ++i) {
    MacAddr mac = kFirst;
    mac.bytes[4] = static_cast<std::uint8_t>(i >> 8);
    mac.bytes[5] = static_cast<std::uint8_t>(i);
    stations[{first + i}] = mac;
    ASSERT_EQ(state({first + i}), State::kAsking) << i;
  }
  EXPECT_EQ(pass(1'000).size(), 1024U);
  for (std::uint32_t i = 0; i < 1024; ++i) {
    ASSERT_EQ(find({first + i}).mac(), stations[{first + i}]) << i;
  }
}

// Asks for each of the hosts until it is known or absent, as tasks that wait do.
TEST_F(NeighboursTest, AskForMoreHostsThanThereArePlacesInTurn) {
  config::PortConfig config = port(false);
  config.prefix_length = 16;
  use(config);
  const std::uint32_t first = ip("192.0.16.0").value;
  constexpr std::uint32_t kHosts = 3 * kPlaces;
  std::vector<std::uint32_t> waiting;
  for (std::uint32_t i = 0; i < kHosts; ++i) {
    waiting.push_back(first + i);
    MacAddr mac = kFirst;
    mac.bytes[4] = static_cast<std::uint8_t>(i >> 8);
    mac.bytes[5] = static_cast<std::uint8_t>(i);
    if (i % 3 != 0) stations[{first + i}] = mac;
  }
  bool was_full = false;
  std::uint64_t absent = 0;
  const std::uint64_t began_ms = now_ms;
  while (!waiting.empty()) {
    ASSERT_LT(now_ms - began_ms, 30'000U) << waiting.size() << " wait";
    std::erase_if(waiting, [&](std::uint32_t address) {
      const auto found = find({address});
      was_full |= found.state == State::kFull;
      if (found.state == State::kKnown) {
        EXPECT_EQ(found.mac(), stations.at({address}));
      }
      if (found.state == State::kAbsent) {
        EXPECT_FALSE(stations.contains({address}));
      }
      absent += found.state == State::kAbsent ? 1 : 0;
      return found.state == State::kKnown || found.state == State::kAbsent;
    });
    pass(20);
  }
  EXPECT_TRUE(was_full);
  EXPECT_EQ(absent, kHosts / 3);
}

TEST_F(NeighboursTest, GiveThePlacesOfAbsentHostsAwayBeforeThatOfAKnownOne) {
  config::PortConfig config = port(false);
  config.prefix_length = 8;
  use(config);
  stations[kHost] = kFirst;
  EXPECT_EQ(state(kHost), State::kAsking);
  pass(10);
  Ipv4Addr next = ip("192.1.0.0");
  for (int refused = 0; refused < 1'000; ++next.value) {
    refused = state(next) == State::kFull ? refused + 1 : 0;
  }
  EXPECT_EQ(find(kHost).mac(), kFirst) << "every row is full, and it stands in one";
  send(kHost, 8'000, true);
  for (int i = 0; i < 1'000; ++i, ++next.value) ASSERT_EQ(state(next), State::kAsking);
  EXPECT_EQ(find(kHost).mac(), kFirst);
}

}  // namespace
}  // namespace backsight::engine
