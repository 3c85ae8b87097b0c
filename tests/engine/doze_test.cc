// Sleep that grows, and sleep that another thread ends. Nothing here waits for time to pass: what
// is not woken would sleep for an hour.
#include "engine/device/doze.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

constexpr auto kForEver = 1h;

TEST(NapLength, DoublesUpToTheLongest) {
  NapLength nap(500us, 10ms);
  for (const auto expected : {500us, 1000us, 2000us, 4000us, 8000us, 10000us, 10000us}) {
    EXPECT_EQ(nap.next(), expected);
  }
  nap.reset();
  EXPECT_EQ(nap.next(), 500us);
}

TEST(Doze, SleepsItsTimeOut) {
  Doze doze;
  EXPECT_FALSE(doze.sleep(1us, [] { return false; }));
}

TEST(Doze, DoesNotSleepOverWorkThatIsThere) {
  Doze doze;
  EXPECT_TRUE(doze.sleep(kForEver, [] { return true; }));
}

TEST(Doze, IsNotDisturbedWhileAwake) {
  Doze doze;
  doze.wake();
  EXPECT_FALSE(doze.sleep(1us, [] { return false; }));
}

TEST(Doze, LosesNoPieceOfWork) {
  constexpr int kPieces = 20'000;
  Doze doze;
  std::atomic<int> given{0};
  std::atomic<int> done{0};
  std::thread sleeper([&] {
    while (done < kPieces) {
      doze.sleep(kForEver, [&] { return given > done; });
      while (given > done) ++done;
    }
  });
  for (int i = 0; i < kPieces; ++i) {
    ++given;
    doze.wake();
    while (done <= i && i % 3 == 0) std::this_thread::yield();
  }
  sleeper.join();
  EXPECT_EQ(done, kPieces);
}

}  // namespace
}  // namespace backsight::engine
