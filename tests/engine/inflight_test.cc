// The in-flight ring against a map that a child could have written.
#include "engine/worker/inflight.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "fake_time.h"
#include "probes/protocols/trace_udp.h"
#include "ring_calls.h"
#include "tests/support/random.h"

namespace backsight::engine {
namespace {

const probes::HandleCipher kCipher({0x0123456789abcdef, 0xfedcba9876543210});
const TscClock kClock(kTicksPerSecond);

Flight flight_of(std::uint64_t task, Tsc sent, std::uint32_t timeout_ms) {
  constexpr std::array<std::uint8_t, 3> kProtocols = {1, 17, 6};
  Flight flight{.sent = sent,
                .task = task,
                .dst = {static_cast<std::uint32_t>(task * 13)},
                .timeout_ms = timeout_ms,
                .checksum = static_cast<std::uint16_t>(task * 19),
                .port = static_cast<std::uint8_t>(task % kMaxPorts),
                .protocol = kProtocols[task % 3],
                .kind = static_cast<probes::Kind>(task % 4)};
  if (flight.kind == probes::Kind::kTrace) {
    flight.trace = static_cast<std::uint32_t>(task * 17 % 100'000);
    flight.flow = static_cast<std::uint16_t>(task * 37);
  } else {
    flight.position = task * 0x123456789 & kMaxFlightPosition;
  }
  return flight;
}

::testing::AssertionResult are_same(const Flight& left, const Flight& right) {
  const auto fields = [](const Flight& it) {
    return std::tuple(it.sent.ticks, it.task, it.position, it.dst, it.trace, it.timeout_ms,
                      it.checksum, it.flow, it.port, it.protocol, it.kind);
  };
  if (fields(left) == fields(right)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "task " << left.task << " is not task " << right.task;
}

// The ring and its model, moved together.
class Twins {
 public:
  Twins(std::uint32_t slots, unsigned worker, unsigned workers)
      : ring(slots, worker, workers, kCipher, kClock, false), worker_(worker), slots_(slots) {}

  enum class State { kWaiting, kClaimed, kExpired };
  struct Probe {
    Flight flight;
    State state = State::kWaiting;
    bool is_in_slot = true;
  };

  bool is_full() const { return probes.size() - tail_ == slots_; }

  void add(std::uint32_t timeout_ms) { add(timeout_ms, 1); }

  // Reserves `count` handles, or as many as there is room for, and files a probe under each but the
  // last few, as if those could not be crafted.
  void add(std::uint32_t timeout_ms, std::size_t count, std::size_t not_filed = 0) {
    std::vector<std::uint32_t> reserved(count);
    const std::size_t room = slots_ - (probes.size() - tail_);
    ASSERT_EQ(ring.reserve(reserved), std::min(count, room));
    reserved.resize(std::min(count, room));
    std::vector<std::uint32_t> again(reserved.size());
    ASSERT_EQ(ring.reserve(again), reserved.size());
    ASSERT_EQ(again, reserved) << "asking twice changes the answer";
    for (std::size_t i = 0; i + not_filed < reserved.size(); ++i) file(reserved[i], timeout_ms);
  }

  void file(std::uint32_t handle, std::uint32_t timeout_ms) {
    ASSERT_TRUE(probes::trace_udp::is_handle(handle)) << std::hex << handle;
    const Flight flight = flight_of(probes.size(), now, timeout_ms);
    const std::uint32_t place = ring.add(flight);
    ASSERT_EQ(place, probes.size() % slots_);
    if (probes.size() >= slots_) probes[probes.size() - slots_].is_in_slot = false;
    by_handle_[handle] = probes.size();
    handles.push_back(handle);
    probes.push_back({flight, State::kWaiting, true});
    places_.push_back(place);
  }

  // The newest probe leaves only now.
  void restamp() {
    Probe& newest = probes.back();
    if (newest.state != State::kWaiting) return;
    ring.restamp(places_.back(), now);
    newest.flight.sent = now;
  }

  void reply_to(std::uint32_t handle) {
    const auto known = by_handle_.find(handle);
    const bool is_known = known != by_handle_.end() && probes[known->second].is_in_slot;
    const auto found = find(ring, worker_, handle, now);
    ASSERT_EQ(found.has_value(), is_known) << std::hex << handle;
    if (!is_known) {
      ASSERT_EQ(claim(ring, worker_, handle, {}, now), Claim::kForeign);
      return;
    }
    Probe& probe = probes[known->second];
    ASSERT_TRUE(are_same(*found, probe.flight));
    Claim expected = Claim::kMatched;
    if (probe.state == State::kClaimed) {
      expected = Claim::kDuplicate;
    } else if (probe.state == State::kExpired ||
               now.since(probe.flight.sent) > kClock.from_ms(probe.flight.timeout_ms)) {
      expected = Claim::kLate;
    }
    ASSERT_EQ(claim(ring, worker_, handle, *found, now), expected);
    if (expected == Claim::kMatched) probe.state = State::kClaimed;
  }

  void expire(std::size_t max) {
    std::size_t called = 0;
    const std::size_t ended = ring.expire(now, max, [&](const Flight& flight) {
      ++called;
      Probe& probe = probes[flight.task];
      EXPECT_TRUE(are_same(flight, probe.flight));
      EXPECT_EQ(probe.state, State::kWaiting) << "ended twice: " << flight.task;
      EXPECT_TRUE(is_over(probe)) << "too early: " << flight.task;
      probe.state = State::kExpired;
    });
    ASSERT_EQ(ended, called);
    ASSERT_LE(ended, max);
    std::size_t oldest = tail_;
    while (oldest < probes.size() && probes[oldest].state != State::kWaiting) ++oldest;
    tail_ = oldest;
    if (ended < max) {
      for (std::size_t i = tail_; i < probes.size(); ++i) {
        ASSERT_FALSE(probes[i].state == State::kWaiting && is_over(probes[i]))
            << "left waiting: " << i;
      }
    }
    ASSERT_EQ(ring.used(), probes.size() - tail_);
  }

  InflightRing ring;
  Tsc now = at_ms(1'000'000);
  std::vector<Probe> probes;  // by task, all that ever were
  std::vector<std::uint32_t> handles;

 private:
  static TscSpan class_of(const Probe& probe) {
    for (const std::uint32_t ms : kTimeoutClassesMs) {
      if (ms >= probe.flight.timeout_ms) return kClock.from_ms(ms);
    }
    return {};
  }
  bool is_over(const Probe& probe) const { return now.since(probe.flight.sent) >= class_of(probe); }

  unsigned worker_;
  std::size_t slots_;
  std::size_t tail_ = 0;
  std::map<std::uint32_t, std::size_t> by_handle_;
  std::vector<std::uint32_t> places_;
};

void check_against_model(testing::Random& random, Twins& twins, int steps) {
  constexpr std::array<std::uint32_t, 8> kTimeouts = {1, 3, 7, 10, 15, 100, 333, 2000};
  for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        if (random.one_in(8)) {
          twins.add(kTimeouts[random.below(kTimeouts.size())], random.below(65), random.below(3));
          break;
        }
        twins.add(kTimeouts[random.below(kTimeouts.size())]);
        break;
      case 3:
      case 4:
        if (twins.handles.empty()) break;
        // Mostly a recent one.
        twins.reply_to(twins.handles[twins.handles.size() - 1 -
                                     random.below(std::min<std::size_t>(
                                         twins.handles.size(), random.one_in(4) ? 100'000 : 100))]);
        break;
      case 5:
        twins.expire(random.one_in(3) ? random.below(4) : 1'000'000);
        break;
      case 6:
        if (!twins.probes.empty() && random.one_in(4)) twins.restamp();
        break;
      default:
        // Mostly little steps, so that the ring fills up; now and then everything is over.
        twins.now = twins.now + TscSpan{random.below(random.one_in(200) ? 3000 * kTicksPerMs
                                                                        : kTicksPerMs / 2)};
    }
  }
}

TEST(InflightRing, DoesWhatAMapWould) {
  BACKSIGHT_RANDOM(random);
  for (const std::uint32_t slots : {64U, 128U, 1024U}) {
    for (const unsigned workers : {1U, 3U, 64U}) {
      Twins twins(slots, workers - 1, workers);
      check_against_model(random, twins, 30'000);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(InflightRing, EndsEachProbeOnce) {
  BACKSIGHT_RANDOM(random);
  Twins twins(256, 0, 2);
  check_against_model(random, twins, 50'000);
  twins.now = twins.now + TscSpan{100'000 * kTicksPerMs};
  twins.expire(1'000'000);
  for (const auto& probe : twins.probes) ASSERT_NE(probe.state, Twins::State::kWaiting);
  EXPECT_EQ(twins.ring.used(), 0U);
}

TEST(InflightRing, HoldsBackWhenFullAndGoesOnWhenTheOldestHasEnded) {
  Twins twins(64, 0, 1);
  for (int i = 0; i < 64; ++i) twins.add(i == 0 ? 2000 : 1);
  EXPECT_FALSE(next_handle(twins.ring));
  twins.now = twins.now + TscSpan{10 * kTicksPerMs};
  twins.expire(1000);
  EXPECT_EQ(twins.ring.used(), 64U) << "the oldest still waits, and its slot is the next";
  EXPECT_FALSE(next_handle(twins.ring));
  twins.reply_to(twins.handles.front());
  twins.expire(1000);
  EXPECT_EQ(twins.ring.used(), 0U);
  EXPECT_TRUE(next_handle(twins.ring));
}

TEST(InflightRing, NamesLateAndDuplicateRepliesUntilTheSlotIsUsedAgain) {
  Twins twins(64, 0, 1);
  twins.add(10);
  twins.add(10);
  const std::uint32_t answered = twins.handles[0];
  const std::uint32_t silent = twins.handles[1];
  twins.reply_to(answered);
  twins.now = twins.now + TscSpan{11 * kTicksPerMs};
  twins.expire(1000);
  for (int i = 0; i < 62; ++i) twins.add(10);
  EXPECT_EQ(claim(twins.ring, 0, answered, *find(twins.ring, 0, answered, twins.now), twins.now),
            Claim::kDuplicate);
  EXPECT_EQ(claim(twins.ring, 0, silent, *find(twins.ring, 0, silent, twins.now), twins.now),
            Claim::kLate);
  twins.add(10);
  twins.add(10);
  EXPECT_FALSE(find(twins.ring, 0, answered, twins.now));
  EXPECT_FALSE(find(twins.ring, 0, silent, twins.now));
}

TEST(InflightRing, JudgesAReplyByTheExactTimeoutAndNotByItsClass) {
  for (const bool is_late : {false, true}) {
    Twins twins(64, 0, 1);
    twins.add(7);  // swept with those of 8 ms
    const auto flight = *find(twins.ring, 0, twins.handles[0], twins.now);
    const Tsc arrived = flight.sent + TscSpan{7 * kTicksPerMs + (is_late ? 1 : 0)};
    EXPECT_EQ(claim(twins.ring, 0, twins.handles[0], flight, arrived),
              is_late ? Claim::kLate : Claim::kMatched);
  }
}

TEST(InflightRing, TellsWhenTheNextProbeEnds) {
  BACKSIGHT_RANDOM(random);
  Twins twins(256, 0, 1);
  EXPECT_FALSE(twins.ring.next_expiry(twins.now));
  for (int i = 0; i < 200; ++i) twins.add(static_cast<std::uint32_t>(1 + random.below(3000)));
  std::size_t ended = 0;
  while (const auto next = twins.ring.next_expiry(twins.now)) {
    ASSERT_GE(*next, twins.now);
    const auto count = [&](const Flight&) { ++ended; };
    EXPECT_EQ(twins.ring.expire({next->ticks - 1}, 256, count), 0U);
    EXPECT_GT(twins.ring.expire(*next, 256, count), 0U);
    twins.now = *next;
  }
  EXPECT_EQ(ended, 200U);
}

TEST(InflightRing, TakesTheSmallestClassThatIsNotBelowTheTimeout) {
  for (std::uint32_t ms = 0; ms <= 60'000; ++ms) {
    const std::size_t index = timeout_class(ms);
    ASSERT_GE(kTimeoutClassesMs[index], ms);
    if (index > 0) {
      ASSERT_LT(kTimeoutClassesMs[index - 1], ms);
    }
  }
  EXPECT_EQ(timeout_class(0xffffffff), kTimeoutClassesMs.size() - 1);
}

TEST(InflightRing, GivesLiveProbesHandlesOfTheirOwnAcrossWorkers) {
  std::set<std::uint32_t> all;
  std::size_t count = 0;
  for (unsigned worker = 0; worker < 5; ++worker) {
    InflightRing ring(4096, worker, 5, kCipher, kClock, false);
    for (std::uint32_t i = 0; i < ring.capacity(); ++i, ++count) {
      const std::uint32_t handle = *next_handle(ring);
      EXPECT_EQ(ring.place_of(handle).worker, worker);
      all.insert(handle);
      ring.add(flight_of(i, at_ms(1), 1000));
    }
  }
  EXPECT_EQ(all.size(), count);
}

TEST(InflightRing, DoesNotKnowTheHandlesOfAnotherWorker) {
  InflightRing ring(64, 0, 2, kCipher, kClock, false);
  InflightRing other(64, 1, 2, kCipher, kClock, false);
  const std::uint32_t handle = *next_handle(ring);
  ring.add(flight_of(1, at_ms(1), 1000));
  EXPECT_TRUE(find(ring, 0, handle, at_ms(1)));
  EXPECT_FALSE(find(other, 1, handle, at_ms(1)));
  EXPECT_EQ(claim(other, 1, handle, {}, at_ms(1)), Claim::kForeign);
}

TEST(InflightRing, KeepsWhatIsAtTheEndOfItsRange) {
  InflightRing ring(64, 0, 1, kCipher, kClock, false);
  const Flight probe{.sent = at_ms(5),
                     .task = ~std::uint64_t{0},
                     .position = kMaxFlightPosition,
                     .dst = {0xffffffff},
                     .timeout_ms = 60'000,
                     .checksum = 0xffff,
                     .port = kMaxPorts - 1,
                     .kind = probes::Kind::kTimestamp};
  const Flight of_trace{.sent = at_ms(5),
                        .task = probes::kMaxProbeNumber,
                        .dst = {0xffffffff},
                        .trace = (1U << 20) - 1,
                        .timeout_ms = 1,
                        .checksum = 0xffff,
                        .flow = 0xffff,
                        .port = kMaxPorts - 1,
                        .protocol = 6,
                        .kind = probes::Kind::kTrace};
  for (const Flight& flight : {probe, of_trace}) {
    const std::uint32_t handle = *next_handle(ring);
    ring.add(flight);
    const auto found = find(ring, 0, handle, at_ms(5));
    ASSERT_TRUE(found);
    EXPECT_TRUE(are_same(*found, flight));
  }
}

// A slot keeps 48 bits of the time of sending: the counter passes 2^48 after a day or so.
TEST(InflightRing, MeasuresAcrossTheTurnOfItsTimeStamps) {
  constexpr std::uint64_t kTurn = std::uint64_t{1} << 48;
  for (const std::uint64_t turn : {kTurn, 3 * kTurn}) {
    InflightRing ring(64, 0, 1, kCipher, kClock, false);
    const Tsc sent{turn - 10 * kTicksPerMs};
    const std::uint32_t handle = *next_handle(ring);
    ring.add(flight_of(0, sent, 100));
    for (const Tsc now : {Tsc{turn + 20 * kTicksPerMs}, Tsc{sent.ticks - 3}}) {
      EXPECT_EQ(find(ring, 0, handle, now)->sent, sent) << "seen from " << now.ticks;
    }
    EXPECT_EQ(ring.expire({turn + 80 * kTicksPerMs}, 9, [](const Flight&) {}), 0U);
    EXPECT_EQ(ring.expire({turn + 90 * kTicksPerMs}, 9, [](const Flight&) {}), 1U);
  }
}

TEST(FlightPosition, IsWidenedToTheNearestThatEndsAlike) {
  constexpr std::uint64_t kRound = kMaxFlightPosition + 1;
  for (const std::uint64_t near :
       {std::uint64_t{0}, std::uint64_t{17}, kRound - 1, kRound, 5 * kRound + 3}) {
    for (const std::int64_t away : {0, 1, -1, 1000, -1000, 1 << 30, -(1 << 30)}) {
      const std::uint64_t position = near + static_cast<std::uint64_t>(away);
      if (away < 0 && near < static_cast<std::uint64_t>(-away)) continue;
      EXPECT_EQ(widen_position(position & kMaxFlightPosition, near), position) << near << away;
    }
  }
}

// One slot in 64 of 2^26 generations: a guess hits with about 64 / 2^32.
TEST(InflightRing, HardlyEverTakesAForgedHandleForAProbe) {
  BACKSIGHT_RANDOM(random);
  InflightRing ring(64, 0, 1, kCipher, kClock, false);
  for (std::uint32_t i = 0; i < 64; ++i) {
    static_cast<void>(next_handle(ring));
    ring.add(flight_of(i, at_ms(1), 1000));
  }
  int hits = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    hits += find(ring, 0, static_cast<std::uint32_t>(random.word()), at_ms(1)) ? 1 : 0;
  }
  EXPECT_LE(hits, 2);
}

TEST(InflightRing, KnowsNothingWhenNothingWasSent) {
  BACKSIGHT_RANDOM(random);
  InflightRing ring(64, 0, 1, kCipher, kClock, false);
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_FALSE(find(ring, 0, static_cast<std::uint32_t>(random.word()), at_ms(1)));
  }
}

// With 64 workers and 64 slots a generation has 20 bits and comes round after 2^26 probes.
TEST(InflightRing, GoesOnWhenItsGenerationsComeRoundAgain) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "many million probes; the plain build tests them";
#endif
  InflightRing ring(64, 63, 64, kCipher, kClock, false);
  const std::uint32_t first = *next_handle(ring);
  Tsc now = at_ms(1);
  std::uint64_t ended = 0;
  std::uint64_t came_round_at = 0;
  constexpr std::uint64_t kProbes = (std::uint64_t{1} << 26) + 1000;
  for (std::uint64_t i = 0; i < kProbes; ++i) {
    const auto handle = next_handle(ring);
    ASSERT_TRUE(handle);
    if (i != 0 && *handle == first) came_round_at = i;
    ring.add(flight_of(i, now, 1));
    if (i % 32 == 31) {
      now = now + TscSpan{kTicksPerMs};
      ended += ring.expire(now, 64, [](const Flight&) {});
    }
  }
  now = now + TscSpan{kTicksPerMs};
  ended += ring.expire(now, 64, [](const Flight&) {});
  EXPECT_EQ(ended, kProbes);
  EXPECT_GT(came_round_at, kProbes / 2);
}

}  // namespace
}  // namespace backsight::engine
