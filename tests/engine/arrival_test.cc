// What becomes of frames: each ends in one counter, whatever it is. No port, no DPDK, no clock: the
// test writes the frames and says when they came.
#include "engine/worker/arrival.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "probes/crafting/templates.h"
#include "tests/support/model_router.h"
#include "worker_parts.h"

namespace backsight::engine {
namespace {

using probes::Flaw;
using probes::Reject;
using tasks::Outcome;
using testing::Packet;

class ArrivalTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kSlots = 4096;
  static constexpr unsigned kWorkers = 2;
  static inline const Ipv4Addr kRouter = address_of("10.0.0.1");

  // A probe on its way: as sent, and what its worker knows of it.
  struct Sent {
    Packet packet;
    std::uint32_t handle = 0;
  };

  ArrivalTest() {
    matching.connect(rings);
    const std::vector<Ends*> all = {&parts.ends, &other.ends};
    parts.ends.connect(all);
    other.ends.connect(all);
    tap.turn(true);
  }

  static Packet craft(std::uint32_t handle, const probes::Identity& identity, Ipv4Addr destination,
                      const probes::Shape& shape = {}, std::uint16_t flow = 0) {
    const probes::Template shaped(shape);
    Packet packet(shaped.size());
    shaped.craft({.src = WorkerParts::kOwn,
                  .dst = destination,
                  .flow = flow,
                  .handle = handle,
                  .identity = identity,
                  .prespecified = {}},
                 packet.data());
    return packet;
  }
  // A probe of task `id`, in flight in `ring` since now.
  Sent send(InflightRing& ring, std::uint64_t id, std::uint32_t trace = kNoTrace) {
    Sent sent;
    EXPECT_EQ(ring.reserve({&sent.handle, 1}), 1U);
    const probes::Kind kind = trace == kNoTrace ? probes::Kind::kPing : probes::Kind::kTrace;
    const probes::TagInput input{.id = {WorkerParts::kVp, id},
                                 .src = WorkerParts::kOwn,
                                 .dst = WorkerParts::kFar,
                                 .handle = sent.handle,
                                 .kind = kind,
                                 .is_spoofed = false};
    sent.packet = craft(sent.handle, {input.id, probes::make_tag(parts.keys.current, input)},
                        WorkerParts::kFar, {.kind = kind});
    ring.add({.sent = parts.now,
              .task = id,
              .position = 1000 + id,
              .dst = WorkerParts::kFar,
              .trace = trace,
              .timeout_ms = 100,
              .checksum = checksum_of(sent.packet),
              .kind = kind});
    return sent;
  }
  Sent ping(std::uint64_t id = 1) { return send(inflight, id); }
  static std::uint16_t checksum_of(const Packet& packet) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(packet[22]) << 8 |
                                      std::to_integer<unsigned>(packet[23]));
  }
  // The probe of another vantage point in our name, as its target answers it.
  Packet answer_to_spoofed(std::uint64_t number) const {
    const auto handle = static_cast<std::uint32_t>(number);
    const probes::TagInput input{.id = {9, number},
                                 .src = WorkerParts::kOwn,
                                 .dst = WorkerParts::kFar,
                                 .handle = handle,
                                 .kind = probes::Kind::kPing,
                                 .is_spoofed = true};
    return testing::make_echo_reply(
        craft(handle, {input.id, probes::make_tag(parts.keys.current, input)}, WorkerParts::kFar));
  }

  static Packet frame_of(const Packet& packet, MacAddr to = WorkerParts::kMac,
                         MacAddr from = WorkerParts::kGatewayMac) {
    return testing::in_ethernet(packet, to, from);
  }
  void hear_together(std::vector<Packet> frames) {
    heard += frames.size();
    std::vector<std::span<std::byte>> spans(frames.begin(), frames.end());
    arrival.read(0, spans, parts.now, nullptr);
  }
  void hear_frame(const Packet& frame) { hear_together({frame}); }
  void hear(const Packet& packet) { hear_frame(frame_of(packet)); }

  std::uint32_t begin_trace_of_other() {
    tasks::Task task = ping_to(1, WorkerParts::kFar);
    task.kind = probes::Kind::kTrace;
    return other.traces.begin({task, 1});
  }
  // Answers the other worker's trace until one answer finds no room.
  void fill_inbox(std::uint32_t trace) {
    while (parts.counters.outcomes[RxOutcome::kHandoverFull].value() == 0) {
      ASSERT_LT(heard, kSlots - 2) << "it is never full";
      hear(testing::make_time_exceeded(send(inflight_of_other, 1, trace).packet, kRouter));
    }
  }

  // What was counted, by name.
  [[nodiscard]] std::map<std::string, std::uint64_t> counted() const {
    std::map<std::string, std::uint64_t> counts;
    for (std::size_t i = 0; i < static_cast<std::size_t>(RxOutcome::kCount); ++i) {
      const auto outcome = static_cast<RxOutcome>(i);
      const std::uint64_t count = parts.counters.outcomes[outcome].value();
      if (count != 0) counts[std::string(name(outcome))] = count;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(Reject::kCount); ++i) {
      const auto reject = static_cast<Reject>(i);
      const std::uint64_t count = parts.counters.rejected[reject].value();
      if (count != 0) counts[std::string(name(reject))] = count;
    }
    return counts;
  }
  using Counts = std::map<std::string, std::uint64_t>;
  // What was put aside for a capture, by name and in order.
  std::vector<std::string> tapped() {
    std::array<TappedFrame, 128> frames;
    std::vector<std::string> fates;
    const std::size_t count = tap.pop(frames);
    for (const TappedFrame& it : std::span(frames).first(count)) {
      fates.emplace_back(it.fate.text());
    }
    return fates;
  }

  std::uint64_t heard = 0;  // frames
  WorkerParts parts{0, kWorkers};
  WorkerParts other{1, kWorkers};
  const probes::HandleCipher cipher{{3, 4}};
  InflightRing inflight{kSlots, 0, kWorkers, cipher, parts.clock, false};
  InflightRing inflight_of_other{kSlots, 1, kWorkers, cipher, other.clock, false};
  const std::vector<InflightRing*> rings{&inflight, &inflight_of_other};
  // Nothing can be sent without a port.
  const std::atomic<bool> is_silenced{true};
  LocalHost host{parts.around, is_silenced};
  Matching matching{parts.around, inflight, parts.ends};
  FrameTap tap;
  StageTimer timer{parts.clock, parts.counters};
  Arrival arrival{parts.around, cipher, matching, host, tap, timer};
};

// Each outcome, provoked by the last of some frames, and by none before.
class ArrivalOutcome : public ArrivalTest, public ::testing::WithParamInterface<RxOutcome> {
 protected:
  void provoke(RxOutcome outcome) {
    const Sent probe = ping();
    Packet reply = testing::make_echo_reply(probe.packet);
    switch (outcome) {
      case RxOutcome::kMatched:
        return hear(reply);
      case RxOutcome::kLate:
        parts.pass_ms(101);
        return hear(reply);
      case RxOutcome::kDuplicate:
        hear(reply);
        return hear(testing::make_time_exceeded(probe.packet, kRouter));
      case RxOutcome::kObserved:
        return hear(answer_to_spoofed(5));
      case RxOutcome::kObservedAgain:
        hear(answer_to_spoofed(5));
        return hear(answer_to_spoofed(5));
      case RxOutcome::kForeign:
        reply[24] ^= std::byte{0x40};
        testing::fix_checksums(reply);
        return hear(reply);
      case RxOutcome::kBadTag:
        reply.back() ^= std::byte{1};
        testing::fix_checksums(reply);
        return hear(reply);
      case RxOutcome::kMismatch: {
        Packet elsewhere = probe.packet;
        elsewhere[19] = std::byte{99};
        testing::fix_checksums(elsewhere);
        return hear(testing::make_time_exceeded(elsewhere, kRouter));
      }
      case RxOutcome::kRedirect:
        return hear(testing::make_redirect(probe.packet, kRouter, 1, address_of("192.0.2.2")));
      case RxOutcome::kNotForUs:
        return hear_frame(frame_of(reply, {{0x02, 0, 0, 0, 0, 0x0f}}));
      case RxOutcome::kOwnFrame:
        return hear_frame(frame_of(reply, WorkerParts::kMac, WorkerParts::kMac));
      case RxOutcome::kHandoverFull:
        return fill_inbox(begin_trace_of_other());
      case RxOutcome::kCount:
        FAIL();
    }
  }
};

TEST_P(ArrivalOutcome, IsNamedOnce) {
  provoke(GetParam());
  EXPECT_EQ(parts.counters.outcomes[GetParam()].value(), 1U);
  EXPECT_EQ(parts.counters.rejected.sum(), 0U);
  EXPECT_EQ(parts.counters.outcomes.sum(), heard);
}

INSTANTIATE_TEST_SUITE_P(Each, ArrivalOutcome, ::testing::ValuesIn([] {
                           std::vector<RxOutcome> all;
                           for (int i = 0; i < static_cast<int>(RxOutcome::kCount); ++i) {
                             all.push_back(static_cast<RxOutcome>(i));
                           }
                           return all;
                         }()),
                         [](const auto& it) { return std::string(name(it.param)); });

TEST_F(ArrivalTest, MatchesTheFirstAnswer) {
  const Sent probe = ping(1);
  const Tsc sent = parts.now;
  parts.pass_ms(30);
  hear(testing::make_echo_reply(probe.packet));
  EXPECT_EQ(counted(), (Counts{{"matched", 1}}));
  const auto told = parts.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].task, 1U);
  EXPECT_EQ(told[0].position, 1001U);
  EXPECT_EQ(told[0].outcome, Outcome::kReplied);
  EXPECT_EQ(told[0].at, sent);
  EXPECT_EQ(told[0].rtt, parts.clock.from_ms(30));
  EXPECT_EQ(told[0].src, WorkerParts::kOwn);
  EXPECT_EQ(told[0].dst, WorkerParts::kFar);
  EXPECT_TRUE(tapped().empty());
}

TEST_F(ArrivalTest, NamesTheSecondAnswerADuplicate) {
  const Sent probe = ping();
  hear(testing::make_echo_reply(probe.packet));
  hear(testing::make_time_exceeded(probe.packet, kRouter));
  EXPECT_EQ(counted(), (Counts{{"matched", 1}, {"duplicate", 1}}));
  EXPECT_EQ(parts.told().size(), 1U);
  EXPECT_EQ(tapped(), (std::vector<std::string>{"duplicate"}));
}

TEST_F(ArrivalTest, TellsOfTheFleetsSpoofedProbesOnce) {
  hear(answer_to_spoofed(5));
  hear(answer_to_spoofed(5));
  EXPECT_EQ(counted(), (Counts{{"observed", 1}, {"observed_again", 1}}));
  const auto told = parts.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].what, ReportKind::kObservation);
  EXPECT_EQ(told[0].task, 5U);
  EXPECT_EQ(told[0].probe_vp, 9U);
  EXPECT_EQ(told[0].at, parts.now);
}

TEST_F(ArrivalTest, LetsARedirectEndNothing) {
  const Sent probe = ping();
  hear(testing::make_redirect(probe.packet, kRouter, 1, address_of("192.0.2.2")));
  EXPECT_EQ(counted(), (Counts{{"redirect", 1}}));
  hear(testing::make_echo_reply(probe.packet));
  EXPECT_EQ(parts.told().size(), 1U);
}

TEST_F(ArrivalTest, NamesWhatIsForOthers) {
  const Packet reply = testing::make_echo_reply(ping().packet);
  hear_frame(frame_of(reply, {{0x02, 0, 0, 0, 0, 0x0f}}));
  Packet elsewhere = reply;
  elsewhere[19] = std::byte{11};
  testing::fix_checksums(elsewhere);
  hear(elsewhere);
  EXPECT_EQ(counted(), (Counts{{"not_for_us", 2}}));
  EXPECT_EQ(tapped(), (std::vector<std::string>{"not_for_us", "not_for_us"}));
}

TEST_F(ArrivalTest, KnowsItsOwnFrames) {
  const Packet reply = testing::make_echo_reply(ping().packet);
  hear_frame(frame_of(reply, WorkerParts::kMac, WorkerParts::kMac));
  EXPECT_EQ(counted(), (Counts{{"own_frame", 1}}));
  // The other end of a TAP has our address, too.
  parts.lanes[0].shares_mac = true;
  hear_frame(frame_of(reply, WorkerParts::kMac, WorkerParts::kMac));
  EXPECT_EQ(counted(), (Counts{{"own_frame", 1}, {"matched", 1}}));
}

// While there is no room for a hop of another worker's trace, the attempt is left as it is.
TEST_F(ArrivalTest, HandsOverHopsWhileThereIsRoom) {
  const std::uint32_t trace = begin_trace_of_other();
  const Sent last = send(inflight_of_other, 1, trace);
  fill_inbox(trace);
  const std::uint64_t handed = heard - 1;
  hear(testing::make_time_exceeded(last.packet, kRouter));
  EXPECT_EQ(counted(), (Counts{{"matched", handed}, {"handover_full", 2}}));
  EXPECT_TRUE(other.ends.take_handed_over());
  hear(testing::make_time_exceeded(last.packet, kRouter));
  EXPECT_EQ(counted(), (Counts{{"matched", handed + 1}, {"handover_full", 2}}));
  EXPECT_TRUE(parts.told().empty());
}

TEST_F(ArrivalTest, ReadsABurstFrameByFrame) {
  std::vector<Packet> frames;
  for (std::uint64_t id = 1; id <= kBurst; ++id) {
    frames.push_back(frame_of(testing::make_echo_reply(ping(id).packet)));
  }
  frames[3] = {std::byte{1}};
  frames[10][6] ^= std::byte{1};  // another sender: nobody looks at it
  frames[20] = frames[19];
  frames[30] = frame_of(answer_to_spoofed(77));
  hear_together(frames);
  EXPECT_EQ(
      counted(),
      (Counts{{"matched", kBurst - 3}, {"frame_too_short", 1}, {"duplicate", 1}, {"observed", 1}}));
  std::vector<std::uint64_t> told;
  for (const ReportHead& it : parts.told()) told.push_back(it.task);
  std::vector<std::uint64_t> expected;
  for (std::uint64_t id = 1; id <= kBurst; ++id) {
    if (id == 4 || id == 21) continue;
    expected.push_back(id == 31 ? 77 : id);
  }
  EXPECT_EQ(told, expected);
  EXPECT_EQ(tapped(), (std::vector<std::string>{"frame_too_short", "duplicate"}));
}

// A tag of the hour before or after is as good.
TEST_F(ArrivalTest, AcceptsEachKeyInForce) {
  for (std::size_t i = 0; i < parts.keys.accepted.size(); ++i) {
    parts.keys.current = parts.keys.accepted[i];
    const Sent probe = ping(i + 1);
    parts.keys.current = parts.keys.accepted[0];
    hear(testing::make_echo_reply(probe.packet));
  }
  EXPECT_EQ(counted(), (Counts{{"matched", 3}}));
}

// A host that leaves out our payload: its answer is heard, and its flaw counted.
TEST_F(ArrivalTest, CountsTheFlawsOfWhatIsHeard) {
  const Sent probe = ping();
  Packet reply = testing::make_echo_reply(probe.packet);
  for (std::size_t i = 28; i < reply.size(); ++i) reply[i] = std::byte{0x55};
  testing::fix_checksums(reply);
  hear(reply);
  EXPECT_EQ(counted(), (Counts{{"matched", 1}}));
  EXPECT_EQ(parts.counters.flaws[Flaw::kPayload].value(), 1U);
  EXPECT_EQ(parts.counters.flaws.sum(), 1U);
  const auto told = parts.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].proof, tasks::Proof::kHandle);
}

TEST_F(ArrivalTest, RefusesForItsFlawWhatProvesNothing) {
  Packet reply = testing::make_echo_reply(ping().packet);
  reply[24] ^= std::byte{0x40};
  reply[10] ^= std::byte{1};  // the IPv4 checksum
  hear(reply);
  EXPECT_EQ(counted().size(), 1U);
  EXPECT_EQ(parts.counters.outcomes.sum(), 0U);
  EXPECT_EQ(parts.counters.flaws.sum(), 0U);
}

TEST_F(ArrivalTest, HearsArp) {
  hear_frame(Packet(testing::in_ethernet({}, probes::kBroadcastMac, WorkerParts::kGatewayMac)));
  const ArpFrame request =
      craft_arp_request(WorkerParts::kGatewayMac, address_of("192.0.2.1"), WorkerParts::kOwn);
  hear_frame(Packet(request.begin(), request.end()));
  EXPECT_EQ(parts.counters.rejected[Reject::kArp].value(), 1U);
  EXPECT_EQ(parts.counters.arp[ArpOutcome::kRequest].value(), 1U);
  EXPECT_EQ(parts.counters.arp.sum(), 1U);
  EXPECT_EQ(parts.counters.arp_sent.value(), 0U) << "silenced";
}

}  // namespace
}  // namespace backsight::engine
