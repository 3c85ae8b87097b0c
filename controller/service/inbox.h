// What other threads hand to the controller's own: results, announcements, requests. Waiting for it
// is the one place where that thread sleeps.
// Thread: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "controller/request.h"
#include "controller/service/files.h"
#include "controller/vantage/vantage_table.h"
#include "tasks/codec/codec.h"

namespace backsight::controller {

struct Inbound {
  struct Results {
    std::string vp;
    tasks::ResultMessage message;
  };
  std::vector<Results> results;
  std::vector<Announcement> announcements;
  bool has_looked = false;  // for vantage points: these are all that there are now
  std::vector<Request> requests;
  std::vector<std::uint64_t> cancelled;     // requests
  std::vector<std::string> refresh, clear;  // atlases, by the source's name
  std::vector<DataFiles> files;             // that were read anew

  [[nodiscard]] bool is_empty() const noexcept {
    return results.empty() && announcements.empty() && requests.empty() && cancelled.empty() &&
           refresh.empty() && clear.empty() && files.empty() && !has_looked;
  }
};

class Inbox {
 public:
  // `put` adds to what is there.
  template <typename Put>
  void add(Put put) {
    {
      const std::lock_guard lock(mutex_);
      put(waiting_);
    }
    has_come_.notify_one();
  }

  // Waits until something is there or `patience` is over, and takes all.
  Inbound take(std::chrono::nanoseconds patience) {
    std::unique_lock lock(mutex_);
    has_come_.wait_for(lock, patience, [&] { return !waiting_.is_empty(); });
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable has_come_;
  Inbound waiting_;
};

}  // namespace backsight::controller
