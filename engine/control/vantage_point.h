// A vantage point: ports, workers and the loop that feeds them.
//
//   source -> admission -> a worker's ring ... a worker's reports -> batch -> sink
//
// Each task read ends in exactly one result. When the sink is behind or fails, reports stay with
// the workers, which then hold back, and no new tasks are read: nothing is dropped. Thread:
// control, unless said otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "config/keys/fleet_key.h"
#include "config/reading/file_look.h"
#include "config/vp/vp_config.h"
#include "engine/control/admission.h"
#include "engine/control/id_set.h"
#include "engine/control/neighbour_watch.h"
#include "engine/control/port_watch.h"
#include "engine/control/result_sink.h"
#include "engine/control/statistics.h"
#include "engine/control/task_source.h"
#include "engine/device/eal.h"
#include "engine/device/port.h"
#include "engine/device/tsc.h"
#include "engine/worker/worker.h"
#include "engine/worker/worker_client.h"

namespace backsight::engine {

// What an operator asks of the running process. Set by signal handlers.
struct Signals {
  std::atomic<int> stops{0};                // the second one does not wait
  mutable std::atomic<bool> reload{false};  // taken back by the run
  std::atomic<bool> silence{false};         // the kill switch: nothing leaves while it is on
};

struct RunOptions {
  bool is_once = false;                 // ends when the source is exhausted and all is answered
  std::chrono::milliseconds linger{0};  // then stays so long, to observe
  bool keeps_ids = false;               // an id may come only once in the run
  std::uint64_t skipped = 0;            // lines of the source that were passed over
};

// How a run ended.
struct RunSummary {
  std::uint64_t tasks = 0;
  std::uint64_t unreadable = 0;  // lines that were no task
  std::uint64_t duplicates = 0;  // tasks refused because their id was there before
  std::uint64_t unanswered = 0;  // tasks left without a result, because we were told twice to stop
  // Set when a run over a file was told to stop before its end: each task up to this line has a
  // result, no task behind it has.
  std::optional<std::uint64_t> stopped_at;
  std::uint64_t unprobed = 0;    // of those with a result: "stopped"
  std::uint64_t given_back = 0;  // read, not probed, and without a result: behind that line
};

// What a reload took over.
struct Reloaded {
  std::size_t denied_ranges = 0;
  bool has_enrolled = false;  // anybody
};

class VantagePoint {
 public:
  // Starts DPDK, opens the ports and launches the workers.
  [[nodiscard]] static Expected<std::unique_ptr<VantagePoint>> start(const config::VpConfig& config,
                                                                     const Signals& signals);
  ~VantagePoint();
  VantagePoint(const VantagePoint&) = delete;
  VantagePoint& operator=(const VantagePoint&) = delete;

  [[nodiscard]] Expected<RunSummary> run(TaskSource& source, ResultSink& sink,
                                         const RunOptions& options);

  // Takes the rates of `fresh` over, and reads its deny list and enrolment. On an error, that of
  // loading `fresh` included, everything stays as it was.
  [[nodiscard]] Expected<Reloaded> reload(const Expected<config::VpConfig>& fresh);
  // Called by run() on each SIGHUP; the callee loads the config and calls reload().
  std::function<void()> on_reload;
  // Called about once a second, with results up to then handed over.
  std::function<void()> on_second;

  // Any thread.
  [[nodiscard]] const config::VpConfig& config() const noexcept { return config_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& workers() const noexcept {
    return workers_;
  }
  [[nodiscard]] const std::vector<std::unique_ptr<Port>>& ports() const noexcept { return ports_; }
  [[nodiscard]] const ControlCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const TscClock& clock() const noexcept { return clock_; }
  [[nodiscard]] bool is_silenced() const noexcept {
    return shared_->is_silenced.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t rate_pps() const noexcept { return total_.rate_pps(); }
  // What keeps it from being ready, a sentence each; empty when it is.
  [[nodiscard]] std::vector<std::string> why_not_ready() const;
  // What keeps the queue from working, for why_not_ready().
  void set_queue_troubles(std::vector<std::string> troubles);
  [[nodiscard]] bool is_stopping() const noexcept {
    return is_stopping_.load(std::memory_order_relaxed);
  }

 private:
  using Clock = std::chrono::steady_clock;

  VantagePoint(const config::VpConfig& config, const Signals& signals, config::FleetKey key,
               Admission admission);
  [[nodiscard]] Expected<void> open(const EalPlan& plan);
  [[nodiscard]] TagKeys keys_of(std::uint64_t epoch) const;
  [[nodiscard]] Expected<Reloaded> take_over(const config::VpConfig& fresh);
  void take_up_lists();
  void order_all(const Order& order);
  void put_policy_in_force();

  bool read_tasks(TaskSource& source, const RunOptions& options);
  void accept(const tasks::QueuedTask& queued, const RunOptions& options);
  void refuse(const tasks::QueuedTask& queued, tasks::Reason reason);
  void assign(const Assignment& assignment);
  // Admitted, and no worker has room.
  [[nodiscard]] std::size_t held() const;
  bool feed_workers();
  bool collect();
  [[nodiscard]] Expected<bool> hand_over(ResultSink& sink, const RunOptions& options);
  void set_unprobed_aside(const ResultSink& sink);
  void count_put(const RunOptions& options);
  void give_back_unprobed();
  [[nodiscard]] RunSummary summary_of_stop(const TaskSource& source,
                                           const RunOptions& options) const;
  void every_second();
  void sync_clock();
  [[nodiscard]] bool has_usable_port() const;
  void begin_stopping();
  [[nodiscard]] std::uint64_t under_way() const;

  config::VpConfig config_;
  const Signals& signals_;
  config::FleetKey key_;
  Admission admission_;
  std::optional<Eal> eal_;
  TscClock clock_;
  TotalRate total_;
  std::optional<Shared> shared_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<WorkerClient> clients_;  // of each worker
  std::unique_ptr<PortWatch> port_watch_;
  ControlCounters counters_;
  std::shared_ptr<const SendPolicy> policy_in_force_;
  // One that a worker may still be looking at, and the rounds each had begun when it was replaced.
  struct PastPolicy {
    std::shared_ptr<const SendPolicy> policy;
    std::vector<std::uint64_t> rounds;
  };
  std::vector<PastPolicy> past_policies_;
  std::int64_t policy_day_ = 0;  // when it was last looked at: consents end with a day
  config::FileLook list_files_;  // deny list and enrolment

  TaskIntake intake_;
  IdSet ids_;
  tasks::ResultBatch batch_;
  Clock::time_point batch_since_;
  Clock::time_point put_again_;
  bool put_is_failing_ = false;
  bool put_is_slow_ = false;  // the batch is written in part, and stays as it is until it is whole
  std::optional<Error> source_error_;  // the source cannot be read
  Clock::time_point take_again_;
  std::uint64_t newest_position_ = 0;  // of the tasks read
  // Of a run over a file: the last position with a result; and, once it was told to stop, the
  // results of what was not probed, until it is known what lies behind that position.
  std::uint64_t answered_to_ = 0;
  tasks::ResultBatch unprobed_;
  bool is_giving_back_ = false;
  RunSummary summary_;
  std::uint64_t epoch_ = 0;
  std::optional<NeighbourWatch> neighbour_watch_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> sink_is_failing_{false};
  mutable std::mutex queue_mutex_;
  std::vector<std::string> queue_troubles_;
};

}  // namespace backsight::engine
