// The controller's end of one vantage point's queue: a thread that puts tasks and takes results, so
// that no slow queue keeps the others waiting.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "config/lists/deny_list.h"
#include "controller/service/inbox.h"
#include "queue/client.h"
#include "tasks/task.h"

namespace backsight::controller {

// Opens the queue, again after each failure.
using OpenQueue = std::function<Expected<std::unique_ptr<queue::QueueClient>>()>;

class VpLink {
 public:
  // Results go into `inbox`, which outlives the link.
  VpLink(OpenQueue open, std::string vp, Inbox& inbox);
  // Returns within a second; tasks that were not put are dropped.
  ~VpLink();
  VpLink(const VpLink&) = delete;
  VpLink& operator=(const VpLink&) = delete;

  // While the queue does not work, they are dropped: they would be old when it works again.
  // Thread: any. Returns at once.
  void put(std::vector<tasks::Task> tasks);
  // What waits and leads to one of these, or is in its name, is not put any more. Thread: any.
  void deny(const config::PrefixSet& denied);

  // All that came of so many messages of results, of those that were handed to the inbox, is
  // durable: they are committed, and come no more. Thread: any.
  void commit_up_to(std::uint64_t messages) noexcept {
    durable_.store(messages, std::memory_order_release);
  }

  // More results wait than may be taken before those that were are durable. Thread: any.
  [[nodiscard]] bool is_behind() const noexcept {
    return is_behind_.load(std::memory_order_acquire);
  }

  struct State {
    bool works = false;         // tasks can be put, and results taken
    std::string trouble;        // one sentence; empty: nothing, or it is being opened
    std::uint64_t dropped = 0;  // tasks, since the start
  };
  // Thread: any.
  [[nodiscard]] State state() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  [[nodiscard]] Expected<void> open();
  [[nodiscard]] Expected<void> work();
  [[nodiscard]] Expected<void> put_waiting();
  // REQUIRES: the mutex is held.
  [[nodiscard]] bool is_denied(const tasks::Task& task) const noexcept;
  [[nodiscard]] Expected<void> take_results();
  [[nodiscard]] Expected<void> commit();
  void settle(const Expected<void>& done);
  [[nodiscard]] bool pause(std::chrono::milliseconds time);

  const OpenQueue open_;
  const std::string vp_;
  Inbox& inbox_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<tasks::Task> tasks_;  // waiting to be put
  config::PrefixSet denied_;
  State state_;
  bool is_stopping_ = false;
  std::atomic<std::uint64_t> durable_{0};  // messages
  std::atomic<bool> is_behind_{false};
  std::atomic<std::int64_t> busy_since_ns_{0};  // with the queue; 0: it is not

  // Of its own thread.
  std::unique_ptr<queue::QueueClient> access_;
  std::unique_ptr<queue::ResultSource> source_;
  std::optional<tasks::Task>
      trial_;                    // was refused: put first, to see whether the queue works again
  std::uint64_t handed_ = 0;     // messages, to the inbox
  std::uint64_t committed_ = 0;  // of these
  Clock::time_point commit_at_{};
  Clock::time_point expects_until_{};  // results
  std::thread thread_;
};

}  // namespace backsight::controller
