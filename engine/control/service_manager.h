// What systemd is told of this process (sd_notify(3)): that it has started, reloads or stops, what
// it does, and that it is alive. The last only while every worker turns and control comes by: a
// worker that stands still gets the process restarted (WatchdogSec= of the unit).
//
// Says nothing when nobody listens (no NOTIFY_SOCKET). Thread: control.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "engine/control/vantage_point.h"
#include "engine/control/worker_watch.h"

namespace backsight::engine {

class ServiceManager {
 public:
  // `vp` outlives this.
  explicit ServiceManager(const VantagePoint& vp);

  // Ports are open, workers turn, the queue is served. After reloading() too.
  void ready();
  void reloading();
  void stopping();
  // About once a second.
  void tell_state(std::uint64_t spool_bytes);

 private:
  [[nodiscard]] std::string state_text(std::uint64_t spool_bytes);

  const VantagePoint& vp_;
  WorkerWatch watch_;
  bool has_stopped_ = false;
  std::uint64_t last_sent_ = 0;
  std::chrono::steady_clock::time_point last_at_;
};

}  // namespace backsight::engine
