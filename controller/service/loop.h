// The brain's thread: takes in what others hand over, lets the brain go on, and gives out what it
// wants. It stands still while what is measured could not be kept.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/controller/controller_config.h"
#include "config/lists/deny_list.h"
#include "controller/archive/archive.h"
#include "controller/brain/brain.h"
#include "controller/journal/request_book.h"
#include "controller/service/brain_clock.h"
#include "controller/service/files.h"
#include "controller/service/fleet.h"
#include "controller/service/inbox.h"
#include "controller/service/probe_ids.h"
#include "controller/service/view.h"
#include "controller/service/vp_watch.h"

namespace backsight::controller {

// What time it is. Thread: any.
struct Clock {
  std::function<SteadyNs()> steady_ns;  // never stands still, never goes back
  std::function<std::uint64_t()> unix_us;
};
[[nodiscard]] Clock system_clock();

// Thread: the one that runs, unless it says otherwise.
class Loop {
 public:
  // What it works with; all of it outlives the loop.
  struct With {
    RequestBook& book;
    Archive& archive;
    Inbox& inbox;
    CurrentView& view;
    const VpWatch& watch;
  };
  // Takes the imported traceroutes out of `files`. Probes get their numbers from `probe_ids`.
  Loop(const config::ControllerConfig& config, ControllerFiles& files, ProbeIds probe_ids,
       OpenQueue open, const With& with, Clock clock);

  // From here on nothing is sent to these, or in their name. Before run(), too.
  void deny(config::PrefixSet denied);
  // Works until stop(). Calls `on_second` about once a second.
  void run(const std::function<void()>& on_second);
  // Async-signal-safe. Thread: any.
  void stop() noexcept { is_stopping_.store(true, std::memory_order_relaxed); }
  // The thread that runs came by so long ago. Thread: any.
  [[nodiscard]] std::chrono::nanoseconds since_last_turn() const;

 private:
  [[nodiscard]] std::chrono::nanoseconds time_to_sleep() const;
  void turn(Inbound inbound);
  void take_in(Inbound inbound, const Now& now);
  void take_files(DataFiles files);
  void take_announcement(const Announcement& announcement, const Now& now);
  void check_queues(const Now& now);
  void give_out();
  void send(std::vector<Prober::Outgoing> tasks);
  void hold_or_go_on(SteadyNs real);
  [[nodiscard]] std::string why_hold() const;
  void show(const Now& now);
  void log_imports();

  const With with_;
  const Clock time_;
  ProbeIds probe_ids_;
  Brain brain_;
  Fleet fleet_;
  BrainClock clock_;
  BrainOutput output_;                        // of the turn under way
  std::uint64_t archived_ = 0;                // the last record
  std::vector<Prober::Outgoing> held_tasks_;  // while the clock stands still
  std::string why_held_;
  std::vector<std::string> queue_troubles_;  // logged, in order
  std::string imports_logged_;
  bool has_looked_ = false;
  SteadyNs queues_at_ = 0;
  SteadyNs view_at_ = 0;
  std::atomic<bool> is_stopping_{false};
  std::atomic<SteadyNs> last_turn_{0};
};

}  // namespace backsight::controller
