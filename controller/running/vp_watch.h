// Looks who announces itself on the queue, and hands it in.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "controller/running/inbox.h"
#include "queue/address.h"

namespace backsight::controller {

class VpWatch {
 public:
  VpWatch(queue::QueueAddress address, Inbox& inbox);
  ~VpWatch();
  VpWatch(const VpWatch&) = delete;
  VpWatch& operator=(const VpWatch&) = delete;

  // What keeps it from looking; empty: nothing. Thread: any.
  [[nodiscard]] std::string trouble() const;

 private:
  void run();
  void tell_trouble(const std::string& sentence);

  const queue::QueueAddress address_;
  Inbox& inbox_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string trouble_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace backsight::controller
