// The loop of a vantage point: tasks in, reports back, results out.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "daemon/wall_clock.h"
#include "engine/control/vantage_point.h"
#include "probes/ip/network.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTasksAtOnce = 256;
constexpr std::size_t kMaxHeld = 8192;
constexpr std::size_t kReportsAtOnce = 2048;
constexpr std::size_t kReportsOfOneGo = 64;
// A batch that has grown so large is handed over early, and nothing is collected beyond it.
constexpr std::size_t kBatchTarget = 4096;
constexpr std::size_t kBatchLimit = 32768;
constexpr auto kPutRetry = 1s;
constexpr auto kIdleNap = 200us;
// While nothing is under way.
constexpr auto kLongestNap = 16ms;

}  // namespace

// --- tasks -------------------------------------------------------------------------------------

bool VantagePoint::read_tasks(TaskSource& source, const RunOptions& options) {
  if (is_stopping() || put_is_slow_) return false;
  if (held() >= kMaxHeld || batch_.size() >= kBatchLimit) return false;
  // The queue keeps what nothing can be sent for; lines of a file end with the reason.
  if (!options.is_once && !has_usable_port()) return false;
  if (source_error_ && (options.is_once || Clock::now() < take_again_)) return false;
  intake_.clear();
  const auto taken = source.take(kTasksAtOnce, intake_);
  if (!taken) {
    // A file is not read again: what came of it is answered, then the run fails.
    if (!options.is_once && !source_error_) spdlog::error("{}", taken.error().sentence);
    source_error_ = taken.error();
    take_again_ = Clock::now() + kPutRetry;
  } else if (source_error_) {
    spdlog::info("tasks are being read again");
    source_error_.reset();
  }
  for (const std::string& complaint : intake_.complaints) spdlog::warn("{}", complaint);
  for (const BadTask& bad : intake_.bad) {
    ++counters_.tasks_received;
    tasks::QueuedTask queued;
    queued.task.id = bad.id;
    queued.position = bad.position;
    refuse(queued, tasks::Reason::kBadTask);
  }
  const std::size_t nameless = intake_.complaints.size() - intake_.bad.size();
  counters_.lines_unreadable += nameless;
  summary_.unreadable += intake_.complaints.size();
  for (const tasks::QueuedTask& queued : intake_.tasks) accept(queued, options);
  return !intake_.tasks.empty() || !intake_.complaints.empty();
}

bool VantagePoint::has_usable_port() const {
  return std::ranges::any_of(ports_, [](const auto& port) { return !port->is_held(); });
}

void VantagePoint::accept(const tasks::QueuedTask& queued, const RunOptions& options) {
  newest_position_ = queued.position;
  ++counters_.tasks_received;
  ++summary_.tasks;
  if (!ids_.insert(queued.task.id)) {
    ++summary_.duplicates;
    if (options.keeps_ids) {
      spdlog::warn("task {} on line {} was there before; give each task an id of its own",
                   queued.task.id, queued.position);
    }
    return refuse(queued, tasks::Reason::kDuplicateId);
  }
  const auto admitted = admission_.admit(queued, unix_seconds());
  if (admitted) return assign(*admitted);
  refuse(queued, admitted.error());
  if (!options.keeps_ids) ids_.erase(queued.task.id);
}

void VantagePoint::refuse(const tasks::QueuedTask& queued, tasks::Reason reason) {
  ++counters_.refused[reason];
  tasks::ProbeResult result;
  result.task = queued.task.id;
  result.position = queued.position;
  result.src = queued.task.src;
  result.dst = queued.task.dst;
  result.kind = queued.task.kind;
  result.method = queued.task.method;
  result.outcome = tasks::Outcome::kRefused;
  result.reason = reason;
  if (batch_.size() == 0) batch_since_ = Clock::now();
  if (queued.task.kind == probes::Kind::kTrace) {
    batch_.traces.push_back({result, {}});
  } else {
    batch_.probes.push_back(result);
  }
}

// A /24 has one worker, so that its limits need no sharing.
void VantagePoint::assign(const Assignment& assignment) {
  ++counters_.assigned;
  const std::uint32_t network = probes::network_of(assignment.queued.task.dst);
  clients_[(network * 0x9e3779b1U >> 8) % clients_.size()].give(assignment);
}

std::size_t VantagePoint::held() const {
  std::size_t held = 0;
  for (const WorkerClient& client : clients_) held += client.waiting();
  return held;
}

bool VantagePoint::feed_workers() {
  bool did = false;
  for (WorkerClient& client : clients_) did |= client.feed();
  if (did) {
    for (const auto& worker : workers_) worker->wake();
  }
  return did;
}

// --- results -----------------------------------------------------------------------------------

bool VantagePoint::collect() {
  if (put_is_slow_) return false;
  bool did = false;
  for (WorkerClient& client : clients_) {
    for (std::size_t taken = 0; taken < kReportsAtOnce && batch_.size() < kBatchLimit;) {
      const bool was_empty = batch_.size() == 0;
      const std::size_t count = client.read(kReportsOfOneGo, newest_position_, batch_);
      if (count == 0) break;
      if (was_empty) batch_since_ = Clock::now();
      taken += count;
      did = true;
    }
  }
  return did;
}

// True if anything was handed over. An error only when it cannot be waited out.
Expected<bool> VantagePoint::hand_over(ResultSink& sink, const RunOptions& options) {
  if (batch_.size() == 0) return false;
  const Clock::time_point now = Clock::now();
  if (put_is_failing_ && now < put_again_) return false;
  if (batch_.size() < kBatchTarget && now - batch_since_ < sink.gather_time()) return false;
  if (is_stopping() && !put_is_slow_) set_unprobed_aside(sink);
  const auto put = sink.put(batch_);
  if (!put) {
    ++counters_.put_failures;
    if (options.is_once) return tl::unexpected(put.error());
    if (!put_is_failing_) {
      spdlog::error("{}; results wait, and no new tasks are taken until it works",
                    put.error().sentence);
    }
    put_is_failing_ = true;
    sink_is_failing_.store(true, std::memory_order_relaxed);
    put_again_ = now + kPutRetry;
    return false;
  }
  put_is_slow_ = !*put;
  if (put_is_slow_) return false;
  if (put_is_failing_) spdlog::info("results are being written again");
  put_is_failing_ = false;
  sink_is_failing_.store(false, std::memory_order_relaxed);
  count_put(options);
  batch_.clear();
  return true;
}

// Takes what was not probed out of the batch. The queue keeps such tasks; of a file's, what comes
// of them shows once nothing is under way any more.
void VantagePoint::set_unprobed_aside(const ResultSink& sink) {
  if (is_giving_back_) return;
  const auto is_probed = [](const tasks::ProbeResult& it) {
    return it.reason != tasks::Reason::kStopped;
  };
  const auto probes = std::ranges::stable_partition(batch_.probes, is_probed);
  const auto traces = std::ranges::stable_partition(
      batch_.traces, is_probed, [](const tasks::TraceResult& it) { return it.head; });
  if (!sink.keeps_unprobed_tasks()) {
    unprobed_.probes.insert(unprobed_.probes.end(), probes.begin(), probes.end());
    unprobed_.traces.insert(unprobed_.traces.end(), traces.begin(), traces.end());
  }
  batch_.probes.erase(probes.begin(), probes.end());
  batch_.traces.erase(traces.begin(), traces.end());
}

// Nothing is under way any more. Of what was read and not probed, what stands behind the last task
// that was is as if it had not been read; the rest has results now.
void VantagePoint::give_back_unprobed() {
  is_giving_back_ = true;
  const auto is_behind = [this](const tasks::ProbeResult& it) {
    return it.position > answered_to_;
  };
  summary_.given_back = std::erase_if(unprobed_.probes, is_behind);
  summary_.given_back +=
      std::erase_if(unprobed_.traces, [&](const auto& it) { return is_behind(it.head); });
  summary_.unprobed = unprobed_.size();
  batch_ = std::move(unprobed_);
}

void VantagePoint::count_put(const RunOptions& options) {
  for (const auto& it : batch_.probes) answered_to_ = std::max(answered_to_, it.position);
  for (const auto& it : batch_.traces) answered_to_ = std::max(answered_to_, it.head.position);
  counters_.results_put += batch_.probes.size() + batch_.traces.size();
  counters_.observations_put += batch_.observations.size();
  ++counters_.batches_put;
  for (const auto& it : batch_.probes) {
    if (!options.keeps_ids && it.reason != tasks::Reason::kDuplicateId) ids_.erase(it.task);
  }
  for (const auto& it : batch_.traces) {
    if (!options.keeps_ids && it.head.reason != tasks::Reason::kDuplicateId) {
      ids_.erase(it.head.task);
    }
  }
}

std::uint64_t VantagePoint::under_way() const {
  std::uint64_t ended = 0;
  for (const WorkerClient& client : clients_) ended += client.ended();
  return counters_.assigned.value() - ended;
}

// --- the loop ----------------------------------------------------------------------------------

Expected<RunSummary> VantagePoint::run(TaskSource& source, ResultSink& sink,
                                       const RunOptions& options) {
  Clock::time_point next_second = Clock::now();
  std::optional<Clock::time_point> lingers_until;
  NapLength idle_nap(kIdleNap, kLongestNap);
  answered_to_ = options.skipped;
  for (;;) {
    shared_->is_silenced.store(signals_.silence.load(std::memory_order_relaxed),
                               std::memory_order_relaxed);
    if (signals_.stops.load(std::memory_order_relaxed) > 0 && !is_stopping()) begin_stopping();
    if (signals_.reload.exchange(false, std::memory_order_relaxed) && on_reload) on_reload();
    bool did = collect();
    const auto handed_over = hand_over(sink, options);
    if (!handed_over) return tl::unexpected(handed_over.error());
    did |= *handed_over;
    did |= read_tasks(source, options);
    did |= feed_workers();

    const Clock::time_point now = Clock::now();
    if (now >= next_second) {
      next_second = now + 1s;
      every_second();
    }
    const bool is_over =
        is_stopping() || (options.is_once && (source.is_exhausted() || source_error_));
    if (is_over && under_way() == 0 && batch_.size() == 0) {
      if (is_stopping() && options.is_once && !is_giving_back_) {
        give_back_unprobed();
        continue;
      }
      if (is_stopping()) return summary_of_stop(source, options);
      if (!lingers_until) lingers_until = now + options.linger;
      if (now >= *lingers_until) {
        if (source_error_) return tl::unexpected(*source_error_);
        return summary_;
      }
    }
    if (signals_.stops.load(std::memory_order_relaxed) > 1) {
      summary_.unanswered += under_way() + batch_.size() + unprobed_.size();
      return summary_of_stop(source, options);
    }
    const bool is_idle = !did && under_way() == 0 && batch_.size() == 0 &&
                         config_.engine.idle == config::EngineConfig::Idle::kAdaptive;
    if (!is_idle) idle_nap.reset();
    if (is_idle) {
      source.rest(idle_nap.next());
    } else if (!did) {
      std::this_thread::sleep_for(kIdleNap);
    }
  }
}

RunSummary VantagePoint::summary_of_stop(const TaskSource& source,
                                         const RunOptions& options) const {
  RunSummary summary = summary_;
  if (options.is_once && (!source.is_exhausted() || summary.given_back != 0)) {
    summary.stopped_at = answered_to_;
  }
  return summary;
}

void VantagePoint::begin_stopping() {
  spdlog::info("stopping: {} tasks under way", under_way());
  is_stopping_.store(true, std::memory_order_relaxed);
  Order order;
  order.what = Order::What::kDrain;
  order_all(order);
}

void VantagePoint::every_second() {
  sync_clock();
  const std::uint64_t epoch = config::epoch_of(unix_ns() / 1'000'000'000);
  if (epoch != epoch_) {
    epoch_ = epoch;
    Order order;
    order.what = Order::What::kKeys;
    order.keys = keys_of(epoch);
    order_all(order);
  }
  constexpr std::int64_t kSecondsOfADay = 86'400;
  if (std::exchange(policy_day_, unix_seconds() / kSecondsOfADay) != policy_day_)
    admission_.renew();
  take_up_lists();
  put_policy_in_force();
  neighbour_watch_->look(Clock::now());
  if (on_second) on_second();
}

// The counter and the wall clock drift apart, and the wall clock may be stepped.
void VantagePoint::sync_clock() { clock_.set_unix_offset(clock_.now(), unix_ns()); }

}  // namespace backsight::engine
