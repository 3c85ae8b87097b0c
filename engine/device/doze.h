// Sleep that grows while there is nothing to do, and that another thread can end.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

namespace backsight::engine {

// How long to sleep next: twice as long each time, from `first` to `longest`.
class NapLength {
 public:
  constexpr NapLength(std::chrono::nanoseconds first, std::chrono::nanoseconds longest) noexcept
      : first_(first), longest_(longest), next_(first) {}

  constexpr std::chrono::nanoseconds next() noexcept {
    const std::chrono::nanoseconds now = next_;
    next_ = std::min(2 * next_, longest_);
    return now;
  }
  // There was something to do.
  constexpr void reset() noexcept { next_ = first_; }

 private:
  std::chrono::nanoseconds first_;
  std::chrono::nanoseconds longest_;
  std::chrono::nanoseconds next_;
};

class Doze {
 public:
  // Without a descriptor to be had, it sleeps its time out and cannot be woken.
  Doze();
  Doze(const Doze&) = delete;
  Doze& operator=(const Doze&) = delete;
  ~Doze();

  // Sleeps so long, or until somebody wakes it; not at all if `has_work()`, which is asked once
  // nobody who brings work can miss that it sleeps. True if it was woken, or did not sleep.
  template <typename HasWork>
  bool sleep(std::chrono::nanoseconds time, HasWork has_work) noexcept {
    // Of this exchange and that of wake() one comes first: either the waker sees the sleeper, or
    // the sleeper the work.
    is_asleep_.exchange(true, std::memory_order_acq_rel);
    const bool was_woken = has_work() || wait(time);
    is_asleep_.store(false, std::memory_order_relaxed);
    return was_woken;
  }

  // Thread: any but the sleeper. The work stands where `has_work` finds it. Costs next to nothing
  // while nobody sleeps.
  void wake() noexcept {
    if (is_asleep_.exchange(false, std::memory_order_acq_rel)) signal();
  }

 private:
  bool wait(std::chrono::nanoseconds time) noexcept;
  void signal() noexcept;

  const int descriptor_;  // an eventfd, or -1
  std::atomic<bool> is_asleep_{false};
};

}  // namespace backsight::engine
