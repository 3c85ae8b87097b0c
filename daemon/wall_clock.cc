#include "daemon/wall_clock.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <mutex>

namespace backsight {

namespace {

constexpr double kNsOfASecond = 1e9;
constexpr std::uint64_t kSameNs = 1'000'000'000;

std::uint64_t distance(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint64_t>(std::llabs(a - b));
}

std::uint64_t steady_ns() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

struct ProcessClock {
  std::mutex mutex;
  WallClock clock;
  // For who asks often: while the clocks stand to each other about as they did, nothing changes.
  std::atomic<bool> is_believed{false};
  std::atomic<std::int64_t> ahead{0};
};

ProcessClock& process_clock() {
  static ProcessClock clock;
  return clock;
}

void tell(std::int64_t before_ns, std::int64_t after_ns) {
  if ((before_ns == 0) == (after_ns == 0)) return;
  if (after_ns == 0) {
    spdlog::warn("the system's clock is followed again");
    return;
  }
  spdlog::warn(
      "the system's clock was stepped by {:+.0f} s: time goes on as before until that has stood "
      "for {} minutes; is its time server right?",
      static_cast<double>(after_ns) / kNsOfASecond, WallClock::kBelievedAfterNs / 60'000'000'000);
}

}  // namespace

std::uint64_t WallClock::unix_ns(std::uint64_t wall_ns, std::uint64_t steady_ns) {
  const auto ahead = static_cast<std::int64_t>(wall_ns - steady_ns);
  bool is_believed = !ahead_ || distance(ahead, *ahead_) <= kMostStepNs;
  if (!is_believed && (disbelieved_ns_ == 0 || distance(ahead, stepped_to_) > kMostStepNs)) {
    stepped_to_ = ahead;
    stepped_at_ = steady_ns;
  } else if (!is_believed) {
    is_believed = steady_ns - stepped_at_ >= kBelievedAfterNs;
  }
  if (is_believed) ahead_ = ahead;
  disbelieved_ns_ = ahead - *ahead_;
  return steady_ns + static_cast<std::uint64_t>(*ahead_);
}

std::uint64_t unix_ns() {
  ProcessClock& process = process_clock();
  const std::uint64_t wall = system_unix_ns(), steady = steady_ns();
  const auto ahead = static_cast<std::int64_t>(wall - steady);
  if (process.is_believed.load(std::memory_order_relaxed) &&
      distance(ahead, process.ahead.load(std::memory_order_relaxed)) <= kSameNs) {
    return wall;
  }
  const std::lock_guard lock(process.mutex);
  const std::int64_t before = process.clock.disbelieved_ns();
  const std::uint64_t now = process.clock.unix_ns(wall, steady);
  const std::int64_t after = process.clock.disbelieved_ns();
  process.is_believed.store(after == 0, std::memory_order_relaxed);
  if (after == 0) process.ahead.store(ahead, std::memory_order_relaxed);
  tell(before, after);
  return now;
}

double disbelieved_clock_seconds() {
  ProcessClock& process = process_clock();
  const std::lock_guard lock(process.mutex);
  return static_cast<double>(process.clock.disbelieved_ns()) / kNsOfASecond;
}

std::uint64_t system_unix_ns() {
  using std::chrono::nanoseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<nanoseconds>(now).count());
}

}  // namespace backsight
