// How a traceroute ends: what each reply says, and what is a loop.
#include "tracing/rules.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace backsight::tracing {
namespace {

using probes::Ipv4Addr;
using probes::ReplyType;
using probes::TraceMethod;
using tasks::Hop;

constexpr Ipv4Addr kDestination{0xc6336407};
constexpr Ipv4Addr kRouter{0x0a000001};

tasks::ReplySummary reply(ReplyType type, Ipv4Addr from, std::uint8_t code = 0) {
  return {.from = from, .type = type, .icmp_code = code};
}

TEST(WayEnd, IsReachedByWhatTheDestinationAloneAnswers) {
  EXPECT_EQ(way_end(reply(ReplyType::kEchoReply, kDestination), TraceMethod::kIcmp, kDestination),
            WayEnd::kReached);
  // Proven by its tag: the host has several addresses.
  EXPECT_EQ(way_end(reply(ReplyType::kEchoReply, kRouter), TraceMethod::kIcmp, kDestination),
            WayEnd::kReached);
  for (const ReplyType type : {ReplyType::kTcpReset, ReplyType::kTcpSynAck}) {
    EXPECT_EQ(way_end(reply(type, kDestination), TraceMethod::kTcp, kDestination),
              WayEnd::kReached);
  }
}

TEST(WayEnd, IsNotToldByATimeExceededWhoeverSendsIt) {
  for (const Ipv4Addr from : {kRouter, kDestination}) {
    for (const std::uint8_t code : std::array<std::uint8_t, 3>{0, 1, 77}) {
      EXPECT_EQ(
          way_end(reply(ReplyType::kTimeExceeded, from, code), TraceMethod::kUdp, kDestination),
          WayEnd::kNone);
    }
  }
}

TEST(WayEnd, IsReachedByAPortUnreachableOfTheDestinationToUdpAlone) {
  for (const TraceMethod method : {TraceMethod::kIcmp, TraceMethod::kUdp, TraceMethod::kTcp}) {
    for (const Ipv4Addr from : {kRouter, kDestination}) {
      const bool is_reached = method == TraceMethod::kUdp && from == kDestination;
      EXPECT_EQ(way_end(reply(ReplyType::kUnreachable, from, 3), method, kDestination),
                is_reached ? WayEnd::kReached : WayEnd::kUnreachable)
          << name(method);
    }
  }
}

TEST(WayEnd, IsReachedByAProtocolUnreachableOfTheDestinationToUdpAndTcp) {
  for (const TraceMethod method : {TraceMethod::kIcmp, TraceMethod::kUdp, TraceMethod::kTcp}) {
    for (const Ipv4Addr from : {kRouter, kDestination}) {
      const bool is_reached = method != TraceMethod::kIcmp && from == kDestination;
      EXPECT_EQ(way_end(reply(ReplyType::kUnreachable, from, 2), method, kDestination),
                is_reached ? WayEnd::kReached : WayEnd::kUnreachable)
          << name(method);
    }
  }
}

// Net, host, fragmentation needed, source route failed, unknown, prohibited, precedence, and codes
// that nobody knows.
TEST(WayEnd, IsUnreachableByEveryOtherCodeWhoeverSendsIt) {
  for (int code = 0; code < 256; ++code) {
    if (code == 2 || code == 3) continue;
    for (const TraceMethod method : {TraceMethod::kIcmp, TraceMethod::kUdp, TraceMethod::kTcp}) {
      for (const Ipv4Addr from : {kRouter, kDestination}) {
        EXPECT_EQ(way_end(reply(ReplyType::kUnreachable, from, static_cast<std::uint8_t>(code)),
                          method, kDestination),
                  WayEnd::kUnreachable)
            << code;
      }
    }
  }
  EXPECT_EQ(
      way_end(reply(ReplyType::kParameterProblem, kDestination), TraceMethod::kIcmp, kDestination),
      WayEnd::kUnreachable);
}

// One attempt a TTL; 0 is silence.
std::vector<Hop> path(std::initializer_list<std::uint32_t> addresses) {
  std::vector<Hop> hops;
  for (const std::uint32_t address : addresses) {
    Hop hop;
    hop.ttl = static_cast<std::uint8_t>(hops.size() + 1);
    hop.has_reply = address != 0;
    hop.reply.from = {address};
    hops.push_back(hop);
  }
  return hops;
}

bool ends_loop(const std::vector<Hop>& hops, std::uint8_t loop_limit) {
  return row_of(hops).ends_loop(loop_limit);
}

TEST(Loop, IsARowThatComesBack) {
  EXPECT_TRUE(ends_loop(path({1, 2, 1, 2}), 1));
  EXPECT_TRUE(ends_loop(path({9, 8, 1, 2, 1, 2}), 1));
  EXPECT_TRUE(ends_loop(path({1, 2, 3, 1, 2, 3}), 1));
  EXPECT_TRUE(ends_loop(path({1, 1, 2, 1, 1, 2}), 1)) << "each TTL twice by one of them";
  EXPECT_TRUE(ends_loop(path({1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7}), 1));
}

TEST(Loop, IsNoAddressThatComesBack) {
  EXPECT_FALSE(ends_loop(path({1, 2, 1}), 1));
  EXPECT_FALSE(ends_loop(path({1, 2, 1, 3}), 1));
  EXPECT_FALSE(ends_loop(path({1, 2, 3, 2, 4, 2}), 1));
  EXPECT_FALSE(ends_loop(path({1, 2, 3, 1, 2, 4}), 1));
  EXPECT_FALSE(ends_loop(path({1, 2, 3, 4, 3, 2, 1}), 1));
}

// A router that forwards a TTL of 0; a NAT that answers for all behind it.
TEST(Loop, IsNoAddressThatStands) {
  EXPECT_FALSE(ends_loop(path({1, 1}), 1));
  EXPECT_FALSE(ends_loop(path({5, 1, 1, 1, 1, 1, 1, 1, 1}), 1));
  EXPECT_FALSE(ends_loop(path({5, 1, 0, 1, 0, 1, 0, 1}), 1));
  EXPECT_FALSE(ends_loop(path({1, 1, 2, 2}), 1));
}

TEST(Loop, LooksThroughSilence) {
  EXPECT_TRUE(ends_loop(path({1, 0, 3, 1, 2, 3}), 1));
  EXPECT_TRUE(ends_loop(path({1, 2, 3, 1, 0, 3}), 1));
  EXPECT_FALSE(ends_loop(path({1, 0, 0, 1}), 1)) << "one address proves no row";
  EXPECT_FALSE(ends_loop(path({1, 2, 0, 0, 1}), 1));
}

TEST(Loop, ComesBackAsOftenAsTheLimitSays) {
  EXPECT_FALSE(ends_loop(path({1, 2, 1, 2}), 2));
  EXPECT_TRUE(ends_loop(path({1, 2, 1, 2, 1, 2}), 2));
  EXPECT_FALSE(ends_loop(path({1, 2, 1, 2, 1, 2}), 0));
  EXPECT_FALSE(ends_loop(path({1, 2, 1, 2, 1, 2}), 255));
}

// Silent attempts before an answer are of the same TTL.
TEST(Loop, CountsTtlsAndNotAttempts) {
  std::vector<Hop> hops;
  for (const std::uint32_t address : {1U, 2U, 1U, 2U}) {
    Hop hop;
    hop.ttl = static_cast<std::uint8_t>(hops.size() / 2 + 1);
    hops.push_back(hop);
    hop.has_reply = true;
    hop.reply.from = {address};
    hops.push_back(hop);
  }
  EXPECT_TRUE(ends_loop(hops, 1));
}

TEST(Loop, IsFoundInTheLongestTraces) {
  std::vector<Hop> hops;
  for (int ttl = 1; ttl <= 255; ++ttl) {
    Hop hop;
    hop.ttl = static_cast<std::uint8_t>(ttl);
    hop.has_reply = true;
    hop.reply.from = {static_cast<std::uint32_t>(1 + (ttl - 1) % 112)};
    hops.push_back(hop);
    EXPECT_EQ(ends_loop(hops, 1), ttl >= 224) << ttl;
  }
}

TEST(Loop, IsFoundBehindMoreHopsThanARowHolds) {
  for (std::uint32_t before = 0; before <= 251; ++before) {
    HopRow row;
    for (std::uint32_t router = 0; router < before; ++router) {
      row.ask();
      row.answer({100 + router});
      EXPECT_FALSE(row.ends_loop(1));
    }
    for (const std::uint32_t router : {1U, 2U, 1U, 2U}) {
      row.ask();
      row.answer({router});
    }
    EXPECT_TRUE(row.ends_loop(1)) << before;
    row.ask();
    EXPECT_FALSE(row.ends_loop(1)) << "nobody has answered";
  }
  EXPECT_FALSE(HopRow().ends_loop(1));
}

}  // namespace
}  // namespace backsight::tracing
