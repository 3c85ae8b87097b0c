// Looks who announces itself on the queue, and hands it in.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "controller/service/inbox.h"
#include "controller/service/vp_link.h"
#include "controller/vantage/roll_call.h"

namespace backsight::controller {

class VpWatch {
 public:
  // `inbox` outlives this.
  VpWatch(OpenQueue open, Inbox& inbox);
  ~VpWatch();
  VpWatch(const VpWatch&) = delete;
  VpWatch& operator=(const VpWatch&) = delete;

  // What keeps it from looking; empty: nothing. Thread: any.
  [[nodiscard]] std::string trouble() const;
  // Announcements that are not believed now. Thread: any.
  [[nodiscard]] std::size_t left_out() const noexcept { return left_out_; }

 private:
  void run();
  [[nodiscard]] Expected<void> look();
  [[nodiscard]] Expected<std::vector<RollCall::Read>> read_all();

  const OpenQueue open_;
  Inbox& inbox_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string trouble_;
  bool is_stopping_ = false;
  std::atomic<std::int64_t> busy_since_ns_{0};  // with the queue; 0: it is not
  std::atomic<std::size_t> left_out_{0};
  // Of its own thread.
  std::unique_ptr<queue::QueueClient> access_;
  RollCall roll_call_;
  std::thread thread_;
};

}  // namespace backsight::controller
