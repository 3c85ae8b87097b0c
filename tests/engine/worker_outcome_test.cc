// Each way in which a received packet can end, provoked.
#include <gtest/gtest.h>

#include "bench.h"

namespace backsight::engine {
namespace {

using probes::Reject;
using tasks::Outcome;

// A worker with one ping under way that nobody answers by himself.
class WorkerOutcome : public ::testing::Test {
 protected:
  void ask(tasks::Task task) {
    internet.respond = [this](const Packet& probe) -> std::vector<Packet> {
      asked = probe;
      return {};
    };
    vp.assign(task);
    ASSERT_TRUE(vp.run_until([this] { return !asked.empty(); }));
  }
  void ask() {
    tasks::Task task = ping(1, "198.51.100.7");
    task.timeout_ms = 1000;
    ask(task);
  }
  void hear(const Packet& packet) {
    internet.send(packet);
    for (int i = 0; i < 3; ++i) vp.round();
  }
  void hear_frame(const Packet& frame) {
    internet.send_frame(vp.site, frame);
    for (int i = 0; i < 3; ++i) vp.round();
  }
  // Exactly this outcome was counted, besides those before.
  void expect_one(RxOutcome outcome) {
    EXPECT_EQ(vp.count(outcome), 1U) << name(outcome);
    std::uint64_t received = 0;
    for (const auto& worker : vp.workers) received += worker->counters().received.value();
    EXPECT_EQ(received, 1U);
  }
  // The probe is still waiting: its true answer ends it.
  void expect_still_waiting() {
    EXPECT_TRUE(vp.results.empty() && vp.traces.empty());
    hear(testing::make_echo_reply(asked));
    EXPECT_EQ(vp.results.size(), 1U);
    vp.check_laws();
  }

  FakeInternet internet;
  Bench vp{internet};
  Packet asked;
};

TEST_F(WorkerOutcome, MatchedByTheFirstReply) {
  ask();
  hear(testing::make_echo_reply(asked));
  expect_one(RxOutcome::kMatched);
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kReplied);
  vp.check_laws();
}

TEST_F(WorkerOutcome, DuplicateForTheSecondReply) {
  ask();
  hear(testing::make_echo_reply(asked));
  hear(testing::make_echo_reply(asked));
  hear(testing::make_time_exceeded(asked, ip("10.0.0.1")));
  EXPECT_EQ(vp.count(RxOutcome::kMatched), 1U);
  EXPECT_EQ(vp.count(RxOutcome::kDuplicate), 2U);
  vp.check_laws();
}

TEST_F(WorkerOutcome, LateAfterTheTimeout) {
  tasks::Task task = ping(1, "198.51.100.7");
  task.timeout_ms = 2;
  ask(task);
  ASSERT_TRUE(vp.run_until_done());
  hear(testing::make_echo_reply(asked));
  expect_one(RxOutcome::kLate);
  EXPECT_EQ(vp.result_of(1).outcome, Outcome::kTimedOut);
  vp.check_laws();
}

TEST_F(WorkerOutcome, BadTagForAForgedOne) {
  ask();
  Packet reply = testing::make_echo_reply(asked);
  reply.back() ^= std::byte{1};
  testing::fix_checksums(reply);
  hear(reply);
  expect_one(RxOutcome::kBadTag);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, BadTagForAForgedQuote) {
  ask();
  Packet probe = asked;
  probe.back() ^= std::byte{1};
  hear(testing::make_time_exceeded(probe, ip("10.0.0.1"),
                                   {.transport_bytes = testing::kWholeProbe}));
  expect_one(RxOutcome::kBadTag);
  expect_still_waiting();
}

// A host that answers from another address than the one asked is telling of itself: the tag holds.
TEST_F(WorkerOutcome, MatchedWhenTheHostAnswersFromAnotherAddress) {
  ask();
  Packet reply = testing::make_echo_reply(asked);
  reply[15] = std::byte{9};
  testing::fix_checksums(reply);
  hear(reply);
  expect_one(RxOutcome::kMatched);
  EXPECT_EQ(vp.result_of(1).reply.from, ip("198.51.100.9"));
  EXPECT_EQ(vp.result_of(1).dst, ip("198.51.100.7"));
  vp.check_laws();
}

TEST_F(WorkerOutcome, ForeignForAHandleThatNamesNothing) {
  ask();
  Packet reply = testing::make_echo_reply(asked);
  reply[24] ^= std::byte{0x40};
  testing::fix_checksums(reply);
  hear(reply);
  expect_one(RxOutcome::kForeign);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, ForeignForAQuoteThatNamesNothing) {
  ask();
  Packet probe = asked;
  probe[24] ^= std::byte{0x40};
  hear(testing::make_time_exceeded(probe, ip("10.0.0.1")));
  expect_one(RxOutcome::kForeign);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, MismatchForAQuoteWithAnotherDestination) {
  ask();
  Packet probe = asked;
  probe[19] = std::byte{99};
  hear(testing::make_time_exceeded(probe, ip("10.0.0.1")));
  expect_one(RxOutcome::kMismatch);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, RedirectLetsTheProbeGoOn) {
  ask();
  hear(testing::make_redirect(asked, ip("192.0.2.1"), 1, ip("192.0.2.2")));
  expect_one(RxOutcome::kRedirect);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, NotForUsWhenTheAddressIsAnothers) {
  ask();
  Packet reply = testing::make_echo_reply(asked);
  reply[19] = std::byte{77};
  testing::fix_checksums(reply);
  hear_frame(testing::in_ethernet(reply, vp.port->mac(), FakeInternet::kGatewayMac));
  expect_one(RxOutcome::kNotForUs);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, NotForUsWhenTheMacIsAnothers) {
  ask();
  hear_frame(testing::in_ethernet(testing::make_echo_reply(asked), {{2, 2, 2, 2, 2, 2}},
                                  FakeInternet::kGatewayMac));
  expect_one(RxOutcome::kNotForUs);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, OwnFrameWhenItComesFromOurMac) {
  ask();
  hear_frame(testing::in_ethernet(testing::make_echo_reply(asked), FakeInternet::kGatewayMac,
                                  vp.port->mac()));
  expect_one(RxOutcome::kOwnFrame);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, MatchedBehindAPriorityTag) {
  ask();
  const std::vector<std::uint16_t> tags = {0xa000};
  hear_frame(testing::in_ethernet(testing::make_echo_reply(asked), vp.port->mac(),
                                  FakeInternet::kGatewayMac, tags));
  expect_one(RxOutcome::kMatched);
  vp.check_laws();
}

TEST_F(WorkerOutcome, RejectedInAnotherVlan) {
  ask();
  for (const std::vector<std::uint16_t>& tags :
       {std::vector<std::uint16_t>{42}, {0, 42}, {42, 0}, {42, 43}}) {
    hear_frame(testing::in_ethernet(testing::make_echo_reply(asked), vp.port->mac(),
                                    FakeInternet::kGatewayMac, tags));
  }
  EXPECT_EQ(vp.rejected(probes::Reject::kVlan), 4U);
  expect_still_waiting();
}

TEST_F(WorkerOutcome, RejectedWhenItCannotBeRead) {
  ask();
  const Packet whole = testing::in_ethernet(testing::make_echo_reply(asked), vp.port->mac(),
                                            FakeInternet::kGatewayMac);
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{6}, std::size_t{11}, std::size_t{13}, std::size_t{20}}) {
    hear_frame({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes)});
  }
  EXPECT_EQ(vp.rejected(Reject::kFrameTooShort), 5U);
  expect_still_waiting();
}

// A TCP probe is known by the handle in its sequence number, and by ports and addresses.
TEST_F(WorkerOutcome, MismatchForATcpAnswerOfAnotherPort) {
  tasks::Task task = trace(1, "198.51.100.7", probes::TraceMethod::kTcp);
  ask(task);
  Packet reset = testing::make_tcp_reset(asked);
  reset[21] = std::byte{81};
  testing::fix_checksums(reset);
  hear(reset);
  expect_one(RxOutcome::kMismatch);
  EXPECT_TRUE(vp.traces.empty());
  hear(testing::make_tcp_reset(asked));
  ASSERT_EQ(vp.traces.size(), 1U);
  EXPECT_EQ(vp.traces[0].head.outcome, Outcome::kReached);
  vp.check_laws();
}

TEST_F(WorkerOutcome, ForeignForATcpAnswerToNothing) {
  tasks::Task task = trace(1, "198.51.100.7", probes::TraceMethod::kTcp);
  task.max_ttl = 1;
  task.attempts = 1;
  task.timeout_ms = 500;
  ask(task);
  Packet probe = asked;
  probe[24] ^= std::byte{0x10};
  hear(testing::make_tcp_syn_ack(probe));
  expect_one(RxOutcome::kForeign);
  hear(testing::make_time_exceeded(asked, ip("10.0.0.1")));
  vp.check_laws();
}

// --- spoofed probes: another vantage point hears the replies ------------------------------------

class Spoofing : public ::testing::Test {
 protected:
  static BenchSetup receiver_setup() {
    BenchSetup setup;
    setup.vp_id = 8;
    setup.address = ip("192.0.2.20");
    return setup;
  }
  void spoof(tasks::Task task) {
    task.src = receiver.setup.address;
    internet.respond = [this](const Packet& probe) -> std::vector<Packet> {
      asked = probe;
      return {};
    };
    sender.assign(task, 0, true);
    ASSERT_TRUE(sender.run_until_done());
    ASSERT_FALSE(asked.empty());
  }
  void hear(const Packet& packet) {
    internet.send(packet);
    for (int i = 0; i < 3; ++i) {
      sender.round();
      receiver.round();
    }
  }
  void check_laws() {
    sender.check_laws();
    receiver.check_laws();
  }

  FakeInternet internet;
  Bench sender{internet};
  Bench receiver{internet, receiver_setup()};
  Packet asked;
};

TEST_F(Spoofing, EndsAtOnceForTheSender) {
  spoof(record_route(5, "198.51.100.7"));
  EXPECT_EQ(sender.result_of(5).outcome, Outcome::kSent);
  EXPECT_EQ(sender.result_of(5).src, receiver.setup.address);
  EXPECT_NE(sender.result_of(5).sent_at_ns, 0U);
  EXPECT_EQ(sender.counters().spoofed.value(), 1U);
  EXPECT_EQ(source_of(asked), receiver.setup.address);
  check_laws();
}

TEST_F(Spoofing, IsObservedWhereTheReplyArrives) {
  spoof(record_route(5, "198.51.100.7"));
  for (const Packet& reply : internet.travel(asked)) hear(reply);
  ASSERT_EQ(receiver.observations.size(), 1U);
  const auto& seen = receiver.observations[0];
  EXPECT_EQ(seen.task, 5U);
  EXPECT_EQ(seen.probe_vp, 7);
  EXPECT_EQ(seen.kind, probes::Kind::kRecordRoute);
  EXPECT_EQ(seen.src, receiver.setup.address);
  EXPECT_EQ(seen.dst, ip("198.51.100.7"));
  EXPECT_EQ(seen.reply.from, ip("198.51.100.7"));
  EXPECT_EQ(seen.recorded.count, 6);
  EXPECT_GE(seen.received_at_ns, 1'700'000'000'000'000'000U);
  EXPECT_EQ(receiver.count(RxOutcome::kObserved), 1U);
  check_laws();
}

TEST_F(Spoofing, IsObservedWhateverTheKind) {
  std::uint64_t id = 0;
  for (const probes::Kind kind :
       {probes::Kind::kPing, probes::Kind::kRecordRoute, probes::Kind::kTimestamp}) {
    tasks::Task task = ping(++id, "198.51.100.7");
    task.kind = kind;
    spoof(task);
    for (const Packet& reply : internet.travel(asked)) hear(reply);
    ASSERT_EQ(receiver.observations.size(), id);
    EXPECT_EQ(receiver.observations.back().kind, kind);
  }
  check_laws();
}

// A host that drops options and answers without them.
TEST_F(Spoofing, IsObservedWithoutTheOption) {
  spoof(record_route(5, "198.51.100.7"));
  Packet bare = asked;
  bare.erase(bare.begin() + 20, bare.begin() + 60);
  bare[0] = std::byte{0x45};
  bare[3] = static_cast<std::byte>(bare.size());
  testing::fix_checksums(bare);
  hear(testing::make_echo_reply(bare));
  ASSERT_EQ(receiver.observations.size(), 1U);
  EXPECT_EQ(receiver.observations[0].kind, probes::Kind::kRecordRoute);
  EXPECT_EQ(receiver.observations[0].recorded.what, tasks::Recorded::What::kNothing);
  check_laws();
}

TEST_F(Spoofing, IsObservedOnceWhenTheReplyIsReplayed) {
  spoof(ping(5, "198.51.100.7"));
  for (int i = 0; i < 4; ++i) hear(testing::make_echo_reply(asked));
  EXPECT_EQ(receiver.observations.size(), 1U);
  EXPECT_EQ(receiver.count(RxOutcome::kObservedAgain), 3U);
  check_laws();
}

TEST_F(Spoofing, IsObservedInTheQuoteOfAnError) {
  spoof(record_route(5, "198.51.100.7"));
  hear(testing::make_time_exceeded(asked, ip("10.0.0.2"),
                                   {.transport_bytes = testing::kWholeProbe}));
  ASSERT_EQ(receiver.observations.size(), 1U);
  EXPECT_EQ(receiver.observations[0].reply.type, probes::ReplyType::kTimeExceeded);
  EXPECT_EQ(receiver.observations[0].dst, ip("198.51.100.7"));
  check_laws();
}

TEST_F(Spoofing, IsForeignWhenTheQuoteIsTooShortForProof) {
  spoof(record_route(5, "198.51.100.7"));
  hear(testing::make_time_exceeded(asked, ip("10.0.0.2")));
  EXPECT_EQ(receiver.count(RxOutcome::kForeign), 1U);
  check_laws();
}

TEST_F(Spoofing, IsBadlyTaggedWhenAnyProvenFieldIsChanged) {
  spoof(ping(5, "198.51.100.7"));
  const Packet reply = testing::make_echo_reply(asked);
  std::uint64_t forged = 0;
  // The replier's address, ICMP id and sequence, VP id, number, tag.
  for (const std::size_t at : {15U, 25U, 27U, 29U, 35U, 43U}) {
    Packet damaged = reply;
    damaged[at] ^= std::byte{2};
    testing::fix_checksums(damaged);
    hear(damaged);
    EXPECT_EQ(receiver.count(RxOutcome::kBadTag), ++forged) << at;
  }
  EXPECT_TRUE(receiver.observations.empty());
  check_laws();
}

TEST_F(Spoofing, IsNotBelievedUnderAnotherKey) {
  BenchSetup setup = receiver_setup();
  setup.address = ip("192.0.2.30");
  setup.key = {99, 98};
  Bench stranger(internet, setup);
  tasks::Task task = ping(6, "198.51.100.7");
  task.src = stranger.setup.address;
  internet.respond = [this](const Packet& probe) -> std::vector<Packet> {
    asked = probe;
    return {testing::make_echo_reply(probe)};
  };
  sender.assign(task, 0, true);
  ASSERT_TRUE(sender.run_until_done());
  ASSERT_TRUE(stranger.run_until([&] { return stranger.count(RxOutcome::kBadTag) == 1; }));
  EXPECT_TRUE(stranger.observations.empty());
  sender.check_laws();
  stranger.check_laws();
}

// An own, unspoofed probe whose slot is long used again is no observation.
TEST_F(Spoofing, IsNotSeenInALateReplyToAProbeOfItsOwn) {
  internet.respond = [this](const Packet& probe) -> std::vector<Packet> {
    asked = probe;
    return {};
  };
  tasks::Task task = ping(1, "198.51.100.7");
  task.timeout_ms = 1;
  sender.assign(task);
  ASSERT_TRUE(sender.run_until_done());
  const Packet first = asked;
  // The slots come round.
  std::uint64_t next = 2;
  ASSERT_TRUE(sender.run_until([&] {
    for (; next <= 1200 && sender.workers[0]->tasks().free_slots() != 0; ++next) {
      task.id = next;
      sender.assign(task);
    }
    return sender.results.size() == 1200;
  }));
  hear(testing::make_echo_reply(first));
  EXPECT_EQ(sender.count(RxOutcome::kForeign), 1U);
  check_laws();
}

}  // namespace
}  // namespace backsight::engine
