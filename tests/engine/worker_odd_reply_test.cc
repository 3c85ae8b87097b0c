// Replies in which something is odd: who has proven itself is heard, what cannot be read is left
// out and told, what proves less is taken for less.
#include <gtest/gtest.h>

#include <functional>
#include <string_view>

#include "bench.h"
#include "probes/wire/byte_order.h"

namespace backsight::engine {
namespace {

using probes::Flaw;
using probes::Reject;
using probes::TraceMethod;
using tasks::Outcome;
using tasks::Proof;

const Ipv4Addr kHost = ip("198.51.100.7");
const Ipv4Addr kRouter = ip("10.0.0.2");

void set(Packet& packet, std::size_t at, unsigned value) {
  packet[at] = static_cast<std::byte>(value);
}

// One probe of a kind, and the packets that a test makes of it.
class OddReply : public ::testing::Test {
 protected:
  Packet ask(tasks::Task task) {
    Packet asked;
    internet.respond = [&asked](const Packet& probe) -> std::vector<Packet> {
      asked = probe;
      return {};
    };
    task.id = ++id;
    task.timeout_ms = 1000;
    task.attempts = 1;
    vp.assign(task);
    EXPECT_TRUE(vp.run_until([&asked] { return !asked.empty(); }));
    internet.respond = [](const Packet&) { return std::vector<Packet>{}; };
    return asked;
  }
  void hear(const Packet& packet) {
    internet.send(packet);
    for (int i = 0; i < 3; ++i) vp.round();
  }
  [[nodiscard]] std::uint64_t flaws(Flaw flaw) const { return vp.counters().flaws[flaw].value(); }
  // The probe has its answer.
  [[nodiscard]] bool is_answered() const { return vp.count(RxOutcome::kMatched) == id; }

  FakeInternet internet;
  Bench vp{internet};
  std::uint64_t id = 0;
};

// --- echo replies -------------------------------------------------------------------------------

struct OddEcho {
  std::string_view what;
  std::function<void(Packet&)> change;  // of a Record Route's reply; checksums are made right
  std::function<void(Packet&)> damage;  // after that
  Flaw flaw;
  bool has_route;
};

TEST_F(OddReply, IsHeardWhenItsTagIsWhole) {
  const auto nothing = [](Packet&) {};
  const std::vector<OddEcho> rows = {
      {"pointer 0", [](Packet& p) { set(p, 22, 0); }, nothing, Flaw::kIpOptions, false},
      {"pointer 3", [](Packet& p) { set(p, 22, 3); }, nothing, Flaw::kIpOptions, false},
      {"pointer within a slot", [](Packet& p) { set(p, 22, 6); }, nothing, Flaw::kIpOptions, false},
      {"length 40", [](Packet& p) { set(p, 21, 40); }, nothing, Flaw::kIpOptions, false},
      {"length 0", [](Packet& p) { set(p, 21, 0); }, nothing, Flaw::kIpOptions, false},
      {"length 1", [](Packet& p) { set(p, 21, 1); }, nothing, Flaw::kIpOptions, false},
      {"length beyond the header", [](Packet& p) { set(p, 21, 44); }, nothing, Flaw::kIpOptions,
       false},
      {"a type that nobody knows, of length 0", [](Packet& p) { set(p, 20, 0x5e), set(p, 21, 0); },
       nothing, Flaw::kIpOptions, false},
      {"a route of three slots twice",
       [](Packet& p) {
         set(p, 21, 15);
         for (std::size_t i = 0; i < 15; ++i) p[35 + i] = p[20 + i];
         set(p, 50, 0);
       },
       nothing, Flaw::kIpOptions, false},
      {"timestamps with pointer 6 behind a route",
       [](Packet& p) {
         set(p, 21, 15);
         set(p, 22, 16);
         set(p, 35, 68);
         set(p, 36, 8);
         set(p, 37, 6);
         set(p, 38, 0);
         set(p, 43, 0);
       },
       nothing, Flaw::kIpOptions, true},
      {"total length beyond the frame", [](Packet& p) { probes::store_be16(&p[2], 1500); }, nothing,
       Flaw::kIpTotalLength, true},
      {"total length with its bytes swapped",
       [](Packet& p) { probes::store_be16(&p[2], 84U << 8); }, nothing, Flaw::kIpTotalLength, true},
      {"no total length", [](Packet& p) { probes::store_be16(&p[2], 0); }, nothing,
       Flaw::kIpTotalLength, true},
      {"total length within the payload", nothing,
       [](Packet& p) {
         probes::store_be16(&p[2], 72);
         set(p, 10, 0);
         set(p, 11, 0);
         const std::uint16_t sum = testing::slow_checksum(std::span(p).first(60));
         probes::store_be16(&p[10], sum);
       },
       Flaw::kIpTotalLength, true},
      {"more fragments", [](Packet& p) { set(p, 6, 0x20); }, nothing, Flaw::kIpFragment, true},
      {"a wrong ICMP checksum", nothing, [](Packet& p) { p[62] ^= std::byte{0x10}; },
       Flaw::kIcmpChecksum, true},
      {"a wrong IP checksum", nothing, [](Packet& p) { p[10] ^= std::byte{0x10}; },
       Flaw::kIpChecksum, false},
  };
  for (const OddEcho& row : rows) {
    SCOPED_TRACE(row.what);
    const std::uint64_t before = flaws(row.flaw);
    Packet reply = testing::make_echo_reply(ask(record_route(0, "198.51.100.7")),
                                            std::vector<Ipv4Addr>{ip("10.0.0.1"), kHost});
    const auto length = probes::load_be16(&reply[2]);
    row.change(reply);
    const auto changed = probes::load_be16(&reply[2]);
    probes::store_be16(&reply[2], length);
    testing::fix_checksums(reply);
    if (changed != length) {
      probes::store_be16(&reply[2], changed);
      set(reply, 10, 0);
      set(reply, 11, 0);
      probes::store_be16(&reply[10], testing::slow_checksum(std::span(reply).first(60)));
    }
    row.damage(reply);
    hear(reply);
    ASSERT_TRUE(is_answered());
    EXPECT_EQ(flaws(row.flaw), before + 1);
    const auto& result = vp.result_of(id);
    EXPECT_EQ(result.outcome, Outcome::kReplied);
    EXPECT_EQ(result.proof, Proof::kWhole);
    EXPECT_EQ(result.recorded.what,
              row.has_route ? tasks::Recorded::What::kRoute : tasks::Recorded::What::kNothing);
  }
  vp.check_laws();
}

TEST_F(OddReply, IsNotHeardWithADamagedHeaderFromAnotherSender) {
  Packet reply = testing::make_echo_reply(ask(ping(0, "198.51.100.7")));
  reply[15] ^= std::byte{1};
  hear(reply);
  EXPECT_FALSE(is_answered());
  EXPECT_EQ(vp.rejected(Reject::kIpChecksum), 1U);
  EXPECT_EQ(flaws(Flaw::kIpChecksum), 0U);
}

TEST_F(OddReply, IsRefusedForItsFlawWhenItsTagIsForged) {
  const Packet asked = ask(ping(0, "198.51.100.7"));
  Packet reply = testing::make_echo_reply(asked);
  reply.back() ^= std::byte{1};
  testing::fix_checksums(reply);
  reply[10] ^= std::byte{1};
  hear(reply);
  reply = testing::make_echo_reply(asked);
  reply.back() ^= std::byte{1};
  hear(reply);
  EXPECT_FALSE(is_answered());
  EXPECT_EQ(vp.rejected(Reject::kIpChecksum), 1U);
  EXPECT_EQ(vp.rejected(Reject::kIcmpChecksum), 1U);
}

// Without payload, with a part of it, with zeros in its place, with another one.
TEST_F(OddReply, IsTakenForLessWithoutThePayload) {
  const auto resized = [](Packet packet, std::size_t bytes) {
    packet.resize(bytes);
    probes::store_be16(&packet[2], static_cast<std::uint16_t>(bytes));
    return packet;
  };
  const auto filled = [](Packet packet, std::size_t from, unsigned value) {
    for (std::size_t i = from; i < packet.size(); ++i) set(packet, i, value);
    return packet;
  };
  const std::vector<std::function<Packet(const Packet&)>> rows = {
      [&](const Packet& p) { return resized(p, 28); },
      [&](const Packet& p) { return resized(p, 33); },
      [&](const Packet& p) { return resized(p, 43); },
      [&](const Packet& p) { return filled(p, 28, 0); },
      [&](const Packet& p) { return filled(p, 40, 0); },
      [&](const Packet& p) { return filled(p, 28, 0x61); },
  };
  for (const auto& change : rows) {
    SCOPED_TRACE(id);
    for (const bool is_trace : {false, true}) {
      const Packet asked = ask(is_trace ? trace(0, "198.51.100.7") : ping(0, "198.51.100.7"));
      Packet reply = testing::make_echo_reply(asked);
      reply = resized(reply, 44);
      reply = change(reply);
      testing::fix_checksums(reply);
      hear(reply);
      ASSERT_TRUE(is_answered());
      EXPECT_EQ(flaws(Flaw::kPayload), id);
      if (is_trace) {
        EXPECT_EQ(vp.trace_of(id).head.outcome, Outcome::kReached);
        EXPECT_EQ(vp.trace_of(id).hops.back().proof, Proof::kHandle);
      } else {
        EXPECT_EQ(vp.result_of(id).outcome, Outcome::kReplied);
        EXPECT_EQ(vp.result_of(id).proof, Proof::kHandle);
      }
    }
  }
  vp.check_laws();
}

// The handle alone must come from who was asked, undamaged, and not under our name.
TEST_F(OddReply, WithoutThePayloadProvesNothingFromAnybodyElse) {
  const Packet asked = ask(ping(0, "198.51.100.7"));
  Packet bare = testing::make_echo_reply(asked);
  bare.resize(28);
  probes::store_be16(&bare[2], 28);
  testing::fix_checksums(bare);
  Packet other = bare;
  other[15] = std::byte{9};
  testing::fix_checksums(other);
  hear(other);
  Packet damaged = bare;
  damaged[22] ^= std::byte{1};
  hear(damaged);
  Packet stale = testing::make_echo_reply(asked);
  stale[35] ^= std::byte{1};  // another number of ours
  testing::fix_checksums(stale);
  hear(stale);
  EXPECT_FALSE(is_answered());
  EXPECT_EQ(vp.rejected(Reject::kNoIdentity), 1U);
  EXPECT_EQ(vp.rejected(Reject::kIcmpChecksum), 1U);
  EXPECT_EQ(vp.count(RxOutcome::kForeign), 1U);
  hear(bare);
  EXPECT_TRUE(is_answered());
  vp.check_laws();
}

// --- quotes -------------------------------------------------------------------------------------

constexpr std::size_t kQuote = 28;  // where the quoted header begins

struct OddQuote {
  std::string_view what;
  std::function<void(Packet&)> change;
  bool is_as_sent;  // nothing that is compared differs
};

TEST_F(OddReply, IsHeardWhenItQuotesTheWholeTag) {
  const std::vector<OddQuote> rows = {
      {"TOS", [](Packet& p) { set(p, kQuote + 1, 0xb8); }, true},
      {"TTL", [](Packet& p) { set(p, kQuote + 8, 0); }, true},
      {"IP checksum", [](Packet& p) { p[kQuote + 10] ^= std::byte{1}; }, true},
      {"total length without the header", [](Packet& p) { probes::store_be16(&p[kQuote + 2], 28); },
       true},
      {"total length swapped", [](Packet& p) { std::swap(p[kQuote + 2], p[kQuote + 3]); }, true},
      {"total length 0", [](Packet& p) { probes::store_be16(&p[kQuote + 2], 0); }, true},
      {"fragment field", [](Packet& p) { probes::store_be16(&p[kQuote + 6], 0x0040); }, true},
      {"the unused word", [](Packet& p) { probes::store_be32(&p[24], 0xdeadbeef); }, true},
      {"a code that nobody knows", [](Packet& p) { set(p, 21, 77); }, true},
      {"source", [](Packet& p) { set(p, kQuote + 15, 99); }, false},
      {"destination", [](Packet& p) { set(p, kQuote + 19, 99); }, false},
      {"the probe's checksum", [](Packet& p) { p[kQuote + 22] ^= std::byte{0x40}; }, true},
  };
  for (const TraceMethod method : {TraceMethod::kIcmp, TraceMethod::kUdp}) {
    for (const OddQuote& row : rows) {
      SCOPED_TRACE(std::string(row.what) + " by " + std::string(name(method)));
      const std::uint64_t before = flaws(Flaw::kQuote);
      tasks::Task task = trace(0, "198.51.100.7", method);
      task.max_ttl = 1;
      task.flow = static_cast<std::uint16_t>(id);
      Packet reply = testing::make_time_exceeded(ask(task), kRouter,
                                                 {.transport_bytes = testing::kWholeProbe});
      row.change(reply);
      testing::fix_checksums(reply);
      hear(reply);
      ASSERT_TRUE(is_answered());
      EXPECT_EQ(vp.trace_of(id).hops.at(0).proof, Proof::kWhole);
      EXPECT_EQ(vp.trace_of(id).hops[0].reply.from, kRouter);
      if (row.is_as_sent && row.what != "the probe's checksum") {
        EXPECT_EQ(flaws(Flaw::kQuote), before);
      }
      if (!row.is_as_sent) {
        EXPECT_EQ(flaws(Flaw::kQuote), before + 1);
      }
    }
  }
  vp.check_laws();
}

TEST_F(OddReply, IsHeardWhenAQuotedUdpProbeHasItsTagAndNothingOfItsHandle) {
  Packet reply = testing::make_time_exceeded(ask(trace(0, "198.51.100.7", TraceMethod::kUdp)),
                                             kRouter, {.transport_bytes = testing::kWholeProbe});
  probes::store_be16(&reply[kQuote + 4], 0);
  probes::store_be16(&reply[kQuote + 26], 0);
  testing::fix_checksums(reply);
  hear(reply);
  EXPECT_TRUE(is_answered());
  EXPECT_EQ(flaws(Flaw::kQuote), 1U);
}

// A NAT mends the addresses and the id of a quote, and leaves its checksum.
TEST_F(OddReply, IsTakenForLessWhenAShortQuoteHasAnotherChecksum) {
  tasks::Task task = trace(0, "198.51.100.7");
  task.max_ttl = 1;
  Packet reply = testing::make_time_exceeded(ask(task), kRouter);
  reply[kQuote + 22] ^= std::byte{1};
  testing::fix_checksums(reply);
  hear(reply);
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(vp.trace_of(id).hops.at(0).proof, Proof::kHandle);
  EXPECT_EQ(flaws(Flaw::kQuote), 1U);
  // The same of UDP, whose checksum is half of the handle; and the other half.
  for (const std::size_t at : {kQuote + 27, kQuote + 5}) {
    task.method = TraceMethod::kUdp;
    reply = testing::make_time_exceeded(ask(task), kRouter);
    reply[at] ^= std::byte{1};
    testing::fix_checksums(reply);
    hear(reply);
    ASSERT_TRUE(is_answered());
    EXPECT_EQ(vp.trace_of(id).hops.at(0).proof, Proof::kHalf);
  }
  // Both halves: nothing is left.
  reply = testing::make_time_exceeded(ask(task), kRouter);
  reply[kQuote + 27] ^= std::byte{1};
  reply[kQuote + 5] ^= std::byte{1};
  testing::fix_checksums(reply);
  hear(reply);
  EXPECT_FALSE(is_answered());
}

// Half a handle is too little for a message that is damaged. What is refused has no flaw that
// counts.
TEST_F(OddReply, IsRefusedWithHalfAHandleWhenItIsDamaged) {
  tasks::Task task = trace(0, "198.51.100.7", TraceMethod::kUdp);
  task.max_ttl = 1;
  Packet reply = testing::make_time_exceeded(ask(task), kRouter);
  reply[kQuote + 27] ^= std::byte{1};
  testing::fix_checksums(reply);
  reply[22] ^= std::byte{1};
  hear(reply);
  EXPECT_FALSE(is_answered());
  EXPECT_EQ(vp.counters().flaws.sum(), 0U);
}

// An error whose own checksum is wrong: the quote is long enough to be no accident.
TEST_F(OddReply, IsTakenForLessWhenAnErrorsChecksumIsWrong) {
  for (const TraceMethod method : {TraceMethod::kIcmp, TraceMethod::kUdp, TraceMethod::kTcp}) {
    tasks::Task task = trace(0, "198.51.100.7", method);
    task.max_ttl = 1;
    Packet reply = testing::make_time_exceeded(ask(task), kRouter);
    reply[22] ^= std::byte{1};
    hear(reply);
    ASSERT_TRUE(is_answered()) << name(method);
    EXPECT_EQ(vp.trace_of(id).hops.at(0).proof, Proof::kHandle);
  }
  EXPECT_EQ(flaws(Flaw::kIcmpChecksum), 3U);
  tasks::Task task = trace(0, "198.51.100.7");
  task.max_ttl = 1;
  const Packet asked = ask(task);
  Packet whole =
      testing::make_time_exceeded(asked, kRouter, {.transport_bytes = testing::kWholeProbe});
  whole[22] ^= std::byte{1};
  hear(whole);
  EXPECT_TRUE(is_answered());
  vp.check_laws();
}

// Who sent it is all that an error tells.
TEST_F(OddReply, IsNotHeardWhenTheHeaderOfAnErrorIsDamaged) {
  const Packet asked = ask(trace(0, "198.51.100.7"));
  for (const std::size_t bytes : {std::size_t{8}, testing::kWholeProbe}) {
    Packet reply = testing::make_time_exceeded(asked, kRouter, {.transport_bytes = bytes});
    reply[10] ^= std::byte{1};
    hear(reply);
  }
  EXPECT_FALSE(is_answered());
  EXPECT_EQ(vp.rejected(Reject::kIpChecksum), 2U);
}

// What a router left behind the bytes it quotes is not ours and says nothing.
TEST_F(OddReply, IsHeardWhenWhatFollowsItsQuoteIsNotZero) {
  tasks::Task task = trace(0, "198.51.100.7");
  task.max_ttl = 1;
  Packet reply = testing::make_time_exceeded(ask(task), kRouter);
  for (int i = 0; i < 100; ++i) reply.push_back(static_cast<std::byte>(0xa5 + i));
  probes::store_be16(&reply[2], static_cast<std::uint16_t>(reply.size()));
  testing::fix_checksums(reply);
  hear(reply);
  EXPECT_TRUE(is_answered());
}

TEST_F(OddReply, IsRefusedWhenAQuoteSaysThatItIsOursAndIsNot) {
  const Packet asked = ask(trace(0, "198.51.100.7"));
  Packet probe = asked;
  probe[43] ^= std::byte{1};
  hear(testing::make_time_exceeded(probe, kRouter, {.transport_bytes = testing::kWholeProbe}));
  EXPECT_FALSE(is_answered());
  EXPECT_EQ(vp.count(RxOutcome::kBadTag), 1U);
}

// --- how a trace ends ---------------------------------------------------------------------------

TEST_F(OddReply, EndsATraceByMethodAndSender) {
  struct Row {
    TraceMethod method;
    Ipv4Addr from;
    std::uint8_t code;
    Outcome outcome;
  };
  const std::vector<Row> rows = {
      {TraceMethod::kUdp, kHost, 3, Outcome::kReached},
      {TraceMethod::kUdp, kRouter, 3, Outcome::kUnreachable},
      {TraceMethod::kIcmp, kHost, 3, Outcome::kUnreachable},
      {TraceMethod::kIcmp, kRouter, 3, Outcome::kUnreachable},
      {TraceMethod::kTcp, kRouter, 3, Outcome::kUnreachable},
      {TraceMethod::kTcp, kHost, 2, Outcome::kReached},
      {TraceMethod::kUdp, kRouter, 2, Outcome::kUnreachable},
      {TraceMethod::kUdp, kHost, 13, Outcome::kUnreachable},
      {TraceMethod::kIcmp, kRouter, 1, Outcome::kUnreachable},
      {TraceMethod::kIcmp, kRouter, 4, Outcome::kUnreachable},
  };
  for (const Row& row : rows) {
    const Packet asked = ask(trace(0, "198.51.100.7", row.method));
    hear(testing::make_unreachable(asked, row.from, row.code));
    ASSERT_TRUE(is_answered());
    EXPECT_EQ(name(vp.trace_of(id).head.outcome), name(row.outcome))
        << name(row.method) << " code " << int{row.code};
  }
  vp.check_laws();
}

}  // namespace
}  // namespace backsight::engine
