// One thread files and expires probes while others match replies to them: each probe ends once, and
// what a reader got is one probe, not parts of two. Meant for ThreadSanitizer too.
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "engine/worker/inflight.h"
#include "fake_time.h"
#include "ring_calls.h"
#include "tests/support/random.h"

namespace backsight::engine {
namespace {

constexpr std::uint32_t kProbes = 300'000;
constexpr std::size_t kShown = 256;  // handles on show for those who match

constexpr std::uint64_t spread(std::uint64_t number, std::uint64_t salt) {
  return (number + salt) * 0x9e3779b97f4a7c15ULL;
}

// Every field follows from the task's number.
Flight flight_of(std::uint64_t task, Tsc sent) {
  Flight flight{.sent = sent,
                .task = task,
                .dst = {static_cast<std::uint32_t>(spread(task, 2) >> 32)},
                .timeout_ms = static_cast<std::uint32_t>(1 + task % 3),
                .checksum = static_cast<std::uint16_t>(spread(task, 4) >> 48),
                .port = static_cast<std::uint8_t>(spread(task, 5) >> 58),
                .kind = static_cast<probes::Kind>(task % 4)};
  if (flight.kind == probes::Kind::kTrace) {
    flight.trace = static_cast<std::uint32_t>(spread(task, 3) >> 44);
    flight.flow = static_cast<std::uint16_t>(spread(task, 8) >> 48);
  } else {
    flight.position = spread(task, 7) & kMaxFlightPosition;
  }
  return flight;
}

bool is_whole(const Flight& it) {
  const Flight made = flight_of(it.task, it.sent);
  return it.dst == made.dst && it.trace == made.trace && it.checksum == made.checksum &&
         it.port == made.port && it.position == made.position && it.timeout_ms == made.timeout_ms &&
         it.flow == made.flow && it.kind == made.kind;
}

class Race {
 public:
  Race(std::uint32_t slots, std::uint64_t seed)
      : ring_(slots, 0, 2, probes::HandleCipher({seed, ~seed}), clock_, false),
        seed_(seed),
        ends_(kProbes) {}

  void run(unsigned matchers) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < matchers; ++i) threads.emplace_back([this, i] { match(seed_ + i); });
    send();
    is_over_ = true;
    for (std::thread& thread : threads) thread.join();
    now_ += 10'000 * kTicksPerMs;
    while (expire() != 0) {
    }
    EXPECT_EQ(matched_ + expired_, kProbes);
    EXPECT_EQ(ring_.used(), 0U);
    EXPECT_EQ(torn_, 0U);
    std::uint32_t not_once = 0;
    for (const auto& ends : ends_) not_once += ends == 1 ? 0 : 1;
    EXPECT_EQ(not_once, 0U);
    EXPECT_GT(matched_, 0U);
    EXPECT_GT(expired_, 0U);
  }

 private:
  void send() {
    for (std::uint32_t task = 0; task < kProbes;) {
      now_ += 20 * kTicksPerUs;
      expire();
      const auto handle = next_handle(ring_);
      if (!handle) {
        std::this_thread::yield();
        continue;
      }
      ring_.add(flight_of(task, {now_}));
      // Who is not shown is not matched, as a rule.
      if (task % 8 != 0) shown_[task % kShown].store(*handle, std::memory_order_relaxed);
      ++task;
      // Time stands still until a matcher, however late it begins, has met a probe.
      while (task == kProbes / 2 && matched_ == 0) std::this_thread::yield();
    }
  }
  std::size_t expire() {
    return ring_.expire({now_}, 64, [this](const Flight& flight) {
      if (!is_whole(flight)) ++torn_;
      ++ends_[flight.task];
      ++expired_;
    });
  }
  void match(std::uint64_t seed) {
    testing::Random random(seed);
    while (!is_over_) {
      const std::uint32_t handle =
          random.one_in(16) ? static_cast<std::uint32_t>(random.word())
                            : shown_[random.below(kShown)].load(std::memory_order_relaxed);
      const auto flight = find(ring_, 0, handle, {now_.load(std::memory_order_relaxed)});
      if (!flight) continue;
      if (!is_whole(*flight)) ++torn_;
      if (claim(ring_, 0, handle, *flight, flight->sent) != Claim::kMatched) continue;
      ++ends_[flight->task];
      ++matched_;
    }
  }

  const TscClock clock_{kTicksPerSecond};
  InflightRing ring_;
  const std::uint64_t seed_;
  std::vector<std::atomic<std::uint32_t>> ends_;
  std::array<std::atomic<std::uint32_t>, kShown> shown_{};
  std::atomic<std::uint64_t> now_ = 1'000 * kTicksPerMs;
  std::uint64_t expired_ = 0;
  std::atomic<std::uint64_t> matched_{0};
  std::atomic<std::uint64_t> torn_{0};
  std::atomic<bool> is_over_{false};
};

TEST(InflightRace, OfSenderAndOneMatcherEndsEachProbeOnce) {
  const std::uint64_t seed = testing::choose_seed();
  SCOPED_TRACE("BACKSIGHT_SEED=" + std::to_string(seed));
  Race(64, seed).run(1);
}

TEST(InflightRace, OfSenderAndTwoMatchersEndsEachProbeOnce) {
  const std::uint64_t seed = testing::choose_seed();
  SCOPED_TRACE("BACKSIGHT_SEED=" + std::to_string(seed));
  Race(256, seed).run(2);
}

}  // namespace
}  // namespace backsight::engine
