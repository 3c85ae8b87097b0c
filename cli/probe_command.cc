#include "cli/probe_command.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "cli/output.h"
#include "cli/report.h"
#include "cli/resolve.h"
#include "cli/stop.h"
#include "cli/vp_commands.h"
#include "probes/identity/identity.h"
#include "queue/client.h"
#include "queue/file/layout.h"
#include "tasks/json/json.h"

namespace backsight::cli {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// For the queue, pacing and the way back, beyond the time the probes themselves may take.
constexpr milliseconds kMargin{5000};
// After which the user is told what is waited for.
constexpr milliseconds kPatience{2000};

Expected<probes::Ipv4Addr> parse_address(const std::string& text, const char* option) {
  if (const auto address = probes::parse_ipv4(text)) return *address;
  return bad_usage(fmt::format("{} {}: not an IPv4 address such as 198.51.100.7", option, text));
}

Expected<std::uint64_t> random_id() {
  std::uint64_t id = 0;
  if (::getrandom(&id, sizeof id, 0) != static_cast<ssize_t>(sizeof id)) {
    return run_failed("the kernel gives no random number");
  }
  return id & probes::kMaxProbeNumber;
}

Expected<std::string> choose_vp(const ProbeOptions& options, queue::QueueClient& queue) {
  const auto known = queue.list_vps();
  if (!known) return tl::unexpected(known.error());
  if (!options.vp.empty()) {
    if (auto checked = queue::check_vp_name(options.vp); !checked) {
      return tl::unexpected(checked.error());
    }
    if (std::find(known->begin(), known->end(), options.vp) != known->end()) return options.vp;
  } else if (known->size() == 1) {
    return known->front();
  }
  if (known->empty()) {
    return run_failed(fmt::format("no vantage point in queue {}", options.queue.shown()));
  }
  const std::string names = fmt::format("{}", fmt::join(*known, ", "));
  if (options.vp.empty()) return bad_usage(fmt::format("--vp is missing; known: {}", names));
  return run_failed(fmt::format("no vantage point {} in queue {}; known: {}", options.vp,
                                options.queue.shown(), names));
}

Expected<tasks::Task> shared_task(const ProbeOptions& options) {
  tasks::Task task = options.task;
  if (!options.src.empty()) {
    const auto src = parse_address(options.src, "--src");
    if (!src) return tl::unexpected(src.error());
    task.src = *src;
  }
  if (options.ts_addresses.size() > task.prespecified.size()) {
    return bad_usage(fmt::format("--ts-address: {} at the most", task.prespecified.size()));
  }
  for (const std::string& text : options.ts_addresses) {
    const auto address = parse_address(text, "--ts-address");
    if (!address) return tl::unexpected(address.error());
    task.prespecified[task.prespecified_count++] = *address;
  }
  if (auto fault = tasks::task_fault(task)) return bad_usage(std::move(*fault));
  return task;
}

// How long a task may take once it is sent.
milliseconds longest(const tasks::Task& task) {
  if (task.kind != probes::Kind::kTrace) return milliseconds(task.timeout_ms);
  const unsigned hops = task.max_ttl - task.first_ttl + 1U;
  return milliseconds(task.timeout_ms) * (hops * task.attempts);
}

// Waits for the results of its tasks and prints each as it comes.
class Wait {
 public:
  Wait(const ProbeOptions& options, queue::QueueClient& queue, std::string vp)
      : options_(options), queue_(queue), vp_(std::move(vp)) {}

  void expect(const tasks::Task& task, std::string label) {
    waiting_[task.id] = std::move(label);
    longest_ = std::max(longest_, longest(task));
  }

  Expected<int> run(queue::ResultTail& tail) {
    const auto start = Clock::now();
    bool is_told = false;
    while (!waiting_.empty() && !is_stopped()) {
      const auto heard = read(tail);
      if (!heard) return tl::unexpected(heard.error());
      const auto waited = Clock::now() - start;
      if (*heard) continue;
      if (waited > longest_ + kMargin) break;
      if (!is_told && waited > kPatience) {
        tell(fmt::format("waiting for vantage point {} ({})", vp_, last_heard(queue_, vp_)));
        is_told = true;
      }
      std::this_thread::sleep_for(queue::kResultPoll);
    }
    if (!waiting_.empty()) {
      return run_failed(
          fmt::format("no result for {} of {} from vantage point {} ({}); "
                      "the queue keeps what it has not done",
                      waiting_.size(), waiting_.size() + done_, vp_, last_heard(queue_, vp_)));
    }
    return all_sent_ ? 0 : 1;
  }

 private:
  // Returns true if there was a message.
  Expected<bool> read(queue::ResultTail& tail) {
    std::vector<std::string> complaints;
    const auto stored = tail.next(complaints);
    for (const std::string& complaint : complaints) tell(complaint);
    if (!stored) return tl::unexpected(stored.error());
    if (!*stored) return false;
    std::string text;
    for (const auto& result : (*stored)->message.results.probes) take(result, result, text);
    for (const auto& trace : (*stored)->message.results.traces) take(trace.head, trace, text);
    const auto written = write_out(text);
    if (!written) return tl::unexpected(written.error());
    return true;
  }

  template <typename Result>
  void take(const tasks::ProbeResult& head, const Result& result, std::string& text) {
    const auto asked = waiting_.find(head.task);
    if (asked == waiting_.end()) return;
    if (options_.json) {
      tasks::append_json(text, result, vp_);
    } else {
      text += report(result, asked->second);
    }
    if (head.outcome == tasks::Outcome::kRefused || head.outcome == tasks::Outcome::kSendFailed) {
      all_sent_ = false;
    }
    waiting_.erase(asked);
    ++done_;
  }

  const ProbeOptions& options_;
  queue::QueueClient& queue_;
  std::string vp_;
  std::map<std::uint64_t, std::string> waiting_;  // task to what the user asked for
  std::size_t done_ = 0;
  bool all_sent_ = true;
  milliseconds longest_{0};
};

}  // namespace

Expected<int> probe(const ProbeOptions& options) {
  const auto shared = shared_task(options);
  if (!shared) return tl::unexpected(shared.error());
  std::vector<tasks::Task> tasks;
  for (const std::string& destination : options.destinations) {
    const auto address = resolve(destination);
    if (!address) return tl::unexpected(address.error());
    const auto id = random_id();
    if (!id) return tl::unexpected(id.error());
    tasks.push_back(*shared);
    tasks.back().id = *id;
    tasks.back().dst = *address;
  }
  const auto queue = queue::open_queue(options.queue);
  if (!queue) return tl::unexpected(queue.error());
  const auto vp = choose_vp(options, **queue);
  if (!vp) return tl::unexpected(vp.error());
  watch_signals();
  const auto tail = (*queue)->open_tail(*vp);
  if (!tail) return tl::unexpected(tail.error());
  Wait wait(options, **queue, *vp);
  for (std::size_t i = 0; i < tasks.size(); ++i) wait.expect(tasks[i], options.destinations[i]);
  if (auto put = (*queue)->put_tasks(*vp, tasks); !put) {
    return tl::unexpected(put.error());
  }
  return wait.run(**tail);
}

}  // namespace backsight::cli
