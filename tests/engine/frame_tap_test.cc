// A worker's copies of frames for a capture: none unless it is on, never more than the ring holds.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "engine/worker/frame_tap.h"

namespace backsight::engine {
namespace {

constexpr std::uint8_t kPort = 3;

std::vector<std::byte> frame_of(std::size_t bytes) {
  std::vector<std::byte> frame(bytes);
  for (std::size_t i = 0; i < bytes; ++i) frame[i] = static_cast<std::byte>(i);
  return frame;
}

TEST(FrameTap, CopiesNothingWhileItIsOff) {
  FrameTap tap;
  std::array<TappedFrame, 4> out;
  tap.see(kPort, frame_of(60), {.reject = probes::Reject::kNotIpv4}, {1});
  EXPECT_EQ(tap.pop(out), 0U);
  tap.turn(true);
  tap.turn(false);
  tap.see(kPort, frame_of(60), {.reject = probes::Reject::kNotIpv4}, {1});
  EXPECT_EQ(tap.pop(out), 0U);
  EXPECT_EQ(tap.missed(), 0U);
}

TEST(FrameTap, CopiesTheFrameAndItsFate) {
  FrameTap tap;
  tap.turn(true);
  tap.see(kPort, frame_of(60), {.reject = probes::Reject::kNotIpv4}, {7});
  tap.see(kPort, frame_of(3), {.outcome = RxOutcome::kBadTag}, {8});
  std::array<TappedFrame, 4> out;
  ASSERT_EQ(tap.pop(out), 2U);
  EXPECT_EQ(out[0].arrived.ticks, 7U);
  EXPECT_EQ(out[0].port, kPort);
  EXPECT_EQ(out[0].length, 60U);
  EXPECT_EQ(out[0].fate.text(), "not_ipv4");
  EXPECT_EQ(out[0].kept().size(), 60U);
  EXPECT_EQ(out[0].kept()[59], std::byte{59});
  EXPECT_EQ(out[1].fate.text(), "bad_tag");
  EXPECT_EQ(out[1].kept().size(), 3U);
}

TEST(FrameTap, KeepsTheBeginningOfALongFrameAndItsLength) {
  FrameTap tap;
  tap.turn(true);
  for (const std::size_t bytes : {0U, 255U, 256U, 257U, 9000U}) {
    tap.see(kPort, frame_of(bytes), {.reject = probes::Reject::kNotIpv4}, {1});
    std::array<TappedFrame, 1> out;
    ASSERT_EQ(tap.pop(out), 1U);
    EXPECT_EQ(out[0].length, bytes);
    EXPECT_EQ(out[0].kept().size(), std::min<std::size_t>(bytes, 256));
  }
}

TEST(FrameTap, LeavesOutAndCountsWhatFindsNoRoom) {
  FrameTap tap;
  tap.turn(true);
  for (int i = 0; i < 1500; ++i) {
    tap.see(kPort, frame_of(60), {.reject = probes::Reject::kNotIpv4}, {1});
  }
  std::size_t taken = 0;
  std::array<TappedFrame, 64> out;
  while (const std::size_t count = tap.pop(out)) taken += count;
  EXPECT_EQ(taken, 1024U);
  EXPECT_EQ(tap.missed(), 1500U - taken);
}

TEST(FrameTap, LosesNothingUncountedBetweenTwoThreads) {
  constexpr std::uint64_t kFrames = 200'000;
  FrameTap tap;
  tap.turn(true);
  std::atomic<bool> is_done{false};
  std::thread worker([&] {
    const auto frame = frame_of(60);
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      tap.see(kPort, frame, {.reject = probes::Reject::kNotIpv4}, {i});
    }
    is_done = true;
  });
  std::uint64_t taken = 0;
  std::uint64_t next = 0;
  std::array<TappedFrame, 64> out;
  for (;;) {
    const bool was_done = is_done;
    const std::size_t count = tap.pop(out);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_GE(out[i].arrived.ticks, next);
      next = out[i].arrived.ticks + 1;
    }
    taken += count;
    if (was_done && count == 0) break;
  }
  worker.join();
  EXPECT_EQ(taken + tap.missed(), kFrames);
}

}  // namespace
}  // namespace backsight::engine
