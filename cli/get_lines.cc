#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <vector>

#include "cli/output.h"
#include "cli/queue_commands.h"
#include "cli/stop.h"
#include "queue/client.h"
#include "queue/file/layout.h"
#include "tasks/json/json.h"

namespace backsight::cli {

namespace {

using Clock = std::chrono::steady_clock;

// Text that is written, and results that are committed, at once.
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;
constexpr std::chrono::milliseconds kDiscovery{200};

// The results of one vantage point on their way to stdout.
using Outlet = std::unique_ptr<queue::ResultSource>;

class Get {
 public:
  Get(const GetOptions& options, queue::QueueClient& queue) : options_(options), queue_(queue) {}

  Expected<int> run() {
    auto heard = Clock::now();
    while (!is_stopped()) {
      if (auto found = discover(); !found) return tl::unexpected(found.error());
      const auto read = read_some();
      if (!read) return tl::unexpected(read.error());
      const auto written = write_and_commit();
      if (!written) return tl::unexpected(written.error());
      if (*written == Written::kStopped) {
        return run_failed("stdout is not read; what it took in part will come again");
      }
      if (*written == Written::kClosed) return 0;
      if (*read > 0) {
        heard = Clock::now();
      } else if (Clock::now() - heard >= std::chrono::milliseconds(options_.idle_ms)) {
        return 0;
      } else {
        std::this_thread::sleep_for(queue::kResultPoll);
      }
    }
    return 0;
  }

 private:
  // Opens the results of vantage points that are new.
  Expected<void> discover() {
    if (!outlets_.empty() && (!options_.vp.empty() || Clock::now() < next_discovery_)) return {};
    next_discovery_ = Clock::now() + kDiscovery;
    std::vector<std::string> names{options_.vp};
    if (options_.vp.empty()) {
      auto known = queue_.list_vps();
      if (!known) return tl::unexpected(known.error());
      names = std::move(*known);
    }
    for (const std::string& name : names) {
      if (outlets_.contains(name)) continue;
      auto source = queue_.open_source(name);
      if (!source) return tl::unexpected(source.error());
      outlets_[name] = std::move(*source);
    }
    return {};
  }

  // Fills the text. Returns how many messages it took.
  Expected<std::size_t> read_some() {
    std::size_t messages = 0;
    for (auto& [name, outlet] : outlets_) {
      while (text_.size() < kWriteBytes) {
        const auto stored = outlet->next(complaints_);
        for (const std::string& complaint : complaints_) tell(complaint);
        complaints_.clear();
        if (!stored) return tl::unexpected(stored.error());
        if (!*stored) break;
        tasks::append_json(text_, (*stored)->message.results, name);
        ++messages;
      }
    }
    return messages;
  }

  // Results are ours only once they are out.
  Expected<Written> write_and_commit() {
    if (text_.empty()) return Written::kAll;
    const auto written = write_out(text_);
    if (!written || *written != Written::kAll) return written;
    text_.clear();
    for (auto& [name, outlet] : outlets_) {
      if (auto committed = outlet->commit(); !committed) {
        return tl::unexpected(committed.error());
      }
    }
    return Written::kAll;
  }

  const GetOptions& options_;
  queue::QueueClient& queue_;
  std::map<std::string, Outlet> outlets_;
  Clock::time_point next_discovery_;
  std::string text_;
  std::vector<std::string> complaints_;
};

}  // namespace

Expected<int> get_lines(const GetOptions& options) {
  if (!options.vp.empty()) {
    if (auto checked = queue::check_vp_name(options.vp); !checked) {
      return tl::unexpected(checked.error());
    }
  }
  const auto queue = queue::open_queue(options.queue);
  if (!queue) return tl::unexpected(queue.error());
  watch_signals();
  return Get(options, **queue).run();
}

}  // namespace backsight::cli
