// The in-flight ring against a map that a child could have written.
#include "engine/worker/inflight.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "fake_time.h"
#include "probes/craft.h"
#include "random.h"

namespace backsight::engine {
namespace {

const probes::HandleCipher kCipher({0x0123456789abcdef, 0xfedcba9876543210});
const TscClock kClock(kTicksPerSecond);

Flight flight_of(std::uint64_t task, Tsc sent, std::uint32_t timeout_ms) {
  return {.sent = sent,
          .src = {static_cast<std::uint32_t>(task * 7)},
          .dst = {static_cast<std::uint32_t>(task * 13)},
          .trace = static_cast<std::uint32_t>(task * 17),
          .checksum = static_cast<std::uint16_t>(task * 19),
          .protocol = static_cast<std::uint8_t>(task * 23),
          .ttl = static_cast<std::uint8_t>(task * 29),
          .task = task,
          .position = task * 31,
          .timeout_ms = timeout_ms,
          .flow = static_cast<std::uint16_t>(task * 37),
          .attempt = static_cast<std::uint8_t>(task * 41),
          .kind = static_cast<probes::Kind>(task % 4)};
}

::testing::AssertionResult are_same(const Flight& left, const Flight& right) {
  const auto fields = [](const Flight& it) {
    return std::tuple(it.sent.ticks, it.src, it.dst, it.trace, it.checksum, it.protocol, it.ttl,
                      it.task, it.position, it.timeout_ms, it.flow, it.attempt, it.kind);
  };
  if (fields(left) == fields(right)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "task " << left.task << " is not task " << right.task;
}

// The ring and its model, moved together.
class Twins {
 public:
  Twins(std::uint32_t slots, unsigned worker, unsigned workers)
      : ring(slots, worker, workers, kCipher, kClock, false), slots_(slots) {}

  enum class State { kWaiting, kClaimed, kExpired };
  struct Probe {
    Flight flight;
    State state = State::kWaiting;
    bool is_in_slot = true;
  };

  bool is_full() const { return probes.size() - tail_ == slots_; }

  void add(std::uint32_t timeout_ms) {
    const auto handle = ring.next_handle();
    ASSERT_EQ(handle.has_value(), !is_full());
    if (!handle) return;
    ASSERT_TRUE(probes::is_udp_handle(*handle)) << std::hex << *handle;
    ASSERT_EQ(ring.next_handle(), handle) << "asking twice changes the answer";
    const Flight flight = flight_of(probes.size(), now, timeout_ms);
    const std::uint32_t place = ring.add(flight);
    ASSERT_EQ(place, probes.size() % slots_);
    if (probes.size() >= slots_) probes[probes.size() - slots_].is_in_slot = false;
    by_handle_[*handle] = probes.size();
    handles.push_back(*handle);
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
    const auto found = ring.find(handle);
    ASSERT_EQ(found.has_value(), is_known) << std::hex << handle;
    if (!is_known) {
      ASSERT_EQ(ring.claim(handle, {}, now), Claim::kForeign);
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
    ASSERT_EQ(ring.claim(handle, *found, now), expected);
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
    check_next_expiry();
  }

  // Never later than the first that runs out.
  void check_next_expiry() {
    std::optional<Tsc> first;
    for (std::size_t i = tail_; i < probes.size(); ++i) {
      if (probes[i].state != State::kWaiting) continue;
      const Tsc ends = probes[i].flight.sent + class_of(probes[i]);
      if (!first || ends < *first) first = ends;
    }
    const auto told = ring.next_expiry();
    if (first) {
      ASSERT_TRUE(told.has_value());
      ASSERT_LE(told->ticks, first->ticks);
    }
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

  std::size_t slots_;
  std::size_t tail_ = 0;
  std::map<std::uint32_t, std::size_t> by_handle_;
  std::vector<std::uint32_t> places_;
};

void check_against_model(Random& random, Twins& twins, int steps) {
  constexpr std::array<std::uint32_t, 8> kTimeouts = {1, 3, 7, 10, 15, 100, 333, 2000};
  for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
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
  EXPECT_FALSE(twins.ring.next_expiry().has_value());
}

TEST(InflightRing, HoldsBackWhenFullAndGoesOnWhenTheOldestHasEnded) {
  Twins twins(64, 0, 1);
  for (int i = 0; i < 64; ++i) twins.add(i == 0 ? 2000 : 1);
  EXPECT_FALSE(twins.ring.next_handle());
  twins.now = twins.now + TscSpan{10 * kTicksPerMs};
  twins.expire(1000);
  EXPECT_EQ(twins.ring.used(), 64U) << "the oldest still waits, and its slot is the next";
  EXPECT_FALSE(twins.ring.next_handle());
  twins.reply_to(twins.handles.front());
  twins.expire(1000);
  EXPECT_EQ(twins.ring.used(), 0U);
  EXPECT_TRUE(twins.ring.next_handle());
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
  EXPECT_EQ(twins.ring.claim(answered, *twins.ring.find(answered), twins.now), Claim::kDuplicate);
  EXPECT_EQ(twins.ring.claim(silent, *twins.ring.find(silent), twins.now), Claim::kLate);
  twins.add(10);
  twins.add(10);
  EXPECT_FALSE(twins.ring.find(answered));
  EXPECT_FALSE(twins.ring.find(silent));
}

TEST(InflightRing, JudgesAReplyByTheExactTimeoutAndNotByItsClass) {
  for (const bool is_late : {false, true}) {
    Twins twins(64, 0, 1);
    twins.add(7);  // swept with those of 8 ms
    const auto flight = *twins.ring.find(twins.handles[0]);
    const Tsc arrived = flight.sent + TscSpan{7 * kTicksPerMs + (is_late ? 1 : 0)};
    EXPECT_EQ(twins.ring.claim(twins.handles[0], flight, arrived),
              is_late ? Claim::kLate : Claim::kMatched);
  }
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
      const std::uint32_t handle = *ring.next_handle();
      EXPECT_EQ(ring.owner_of(handle), worker);
      all.insert(handle);
      ring.add(flight_of(i, at_ms(1), 1000));
    }
  }
  EXPECT_EQ(all.size(), count);
}

TEST(InflightRing, DoesNotKnowTheHandlesOfAnotherWorker) {
  InflightRing ring(64, 0, 2, kCipher, kClock, false);
  InflightRing other(64, 1, 2, kCipher, kClock, false);
  const std::uint32_t handle = *ring.next_handle();
  ring.add(flight_of(1, at_ms(1), 1000));
  EXPECT_TRUE(ring.find(handle));
  EXPECT_FALSE(other.find(handle));
  EXPECT_EQ(other.claim(handle, {}, at_ms(1)), Claim::kForeign);
}

// One slot in 64 of 2^26 generations: a guess hits with about 64 / 2^32.
TEST(InflightRing, HardlyEverTakesAForgedHandleForAProbe) {
  BACKSIGHT_RANDOM(random);
  InflightRing ring(64, 0, 1, kCipher, kClock, false);
  for (std::uint32_t i = 0; i < 64; ++i) {
    static_cast<void>(ring.next_handle());
    ring.add(flight_of(i, at_ms(1), 1000));
  }
  int hits = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    hits += ring.find(static_cast<std::uint32_t>(random.word())) ? 1 : 0;
  }
  EXPECT_LE(hits, 2);
}

TEST(InflightRing, KnowsNothingWhenNothingWasSent) {
  BACKSIGHT_RANDOM(random);
  InflightRing ring(64, 0, 1, kCipher, kClock, false);
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_FALSE(ring.find(static_cast<std::uint32_t>(random.word())));
  }
}

// With 64 workers and 64 slots a generation has 20 bits and comes round after 2^26 probes.
TEST(InflightRing, GoesOnWhenItsGenerationsComeRoundAgain) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "many million probes; the plain build tests them";
#endif
  InflightRing ring(64, 63, 64, kCipher, kClock, false);
  const std::uint32_t first = *ring.next_handle();
  Tsc now = at_ms(1);
  std::uint64_t ended = 0;
  std::uint64_t came_round_at = 0;
  constexpr std::uint64_t kProbes = (std::uint64_t{1} << 26) + 1000;
  for (std::uint64_t i = 0; i < kProbes; ++i) {
    const auto handle = ring.next_handle();
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
