// What systemd is told of this process (sd_notify(3)): that it has started, reloads or stops, what
// it does, and that it is alive. The last only while every worker turns and control comes by: a
// worker that stands still gets the process restarted (WatchdogSec= of the unit).
//
// Says nothing when nobody listens (no NOTIFY_SOCKET). Thread: control.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "engine/control/snapshot.h"
#include "engine/control/worker_watch.h"

namespace backsight::engine {

class ServiceManager {
 public:
  ServiceManager() : last_at_(std::chrono::steady_clock::now()) {}

  // Ports are open, workers turn, the queue is served. After reloading() too.
  void ready();
  void reloading();
  void stopping();
  // About once a second.
  void notify(const Snapshot& now, std::uint64_t spool_bytes);

 private:
  [[nodiscard]] std::string state_text(const Snapshot& now, std::uint64_t spool_bytes);

  WorkerWatch watch_;
  bool has_stopped_ = false;
  std::uint64_t last_sent_ = 0;
  std::chrono::steady_clock::time_point last_at_;
};

}  // namespace backsight::engine
