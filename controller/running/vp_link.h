// The controller's end of one vantage point's queue: a thread that puts tasks and takes results, so
// that no slow queue keeps the others waiting.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "controller/running/inbox.h"
#include "queue/access.h"
#include "queue/task.h"

namespace backsight::controller {

class VpLink {
 public:
  // Results go into `inbox`, which outlives the link.
  VpLink(queue::QueueAddress address, std::string vp, Inbox& inbox);
  // Returns within a second; tasks that were not put are dropped.
  ~VpLink();
  VpLink(const VpLink&) = delete;
  VpLink& operator=(const VpLink&) = delete;

  // Thread: any. Returns at once.
  void put(std::vector<queue::Task> tasks);

  // So many messages of results were handed to the inbox, and so many of them are safe with the
  // controller: what is safe is committed, and comes no more.
  // Thread: any.
  void mark_safe(std::uint64_t messages) noexcept {
    safe_.store(messages, std::memory_order_release);
  }

  // What keeps the queue from working; empty: it works. Thread: any.
  [[nodiscard]] std::string trouble() const;

 private:
  void run();
  bool put_waiting(queue::QueueAccess& access);
  bool take_results(queue::ResultSource& source);
  void commit(queue::ResultSource& source);
  void tell_trouble(const std::string& sentence);

  const queue::QueueAddress address_;
  const std::string vp_;
  Inbox& inbox_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<queue::Task> tasks_;  // waiting to be put
  std::string trouble_;
  bool is_stopping_ = false;
  std::atomic<std::uint64_t> safe_{0};
  std::uint64_t handed_ = 0;     // messages, to the inbox
  std::uint64_t committed_ = 0;  // of these
  std::chrono::steady_clock::time_point commit_at_{};
  std::chrono::steady_clock::time_point busy_until_{};  // results are expected soon
  std::thread thread_;
};

}  // namespace backsight::controller
