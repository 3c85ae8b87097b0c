#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <vector>

#include "cli/output.h"
#include "cli/queue_commands.h"
#include "cli/stop.h"
#include "queue/json.h"
#include "queue/result_source.h"

namespace backsight::cli {

namespace {

using Clock = std::chrono::steady_clock;

// Text that is written, and results that are committed, at once.
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;
constexpr std::chrono::milliseconds kDiscovery{200};

// The results of one vantage point on their way to stdout.
struct Outlet {
  std::unique_ptr<queue::ResultSource> source;
  std::uint64_t written_end = 0;  // of what stands in the text
};

class Get {
 public:
  explicit Get(const GetOptions& options) : options_(options) {}

  Expected<int> run() {
    auto heard = Clock::now();
    while (!is_stopped()) {
      if (auto found = discover(); !found) return tl::unexpected(found.error());
      const auto read = read_some();
      if (!read) return tl::unexpected(read.error());
      const auto written = write_and_commit();
      if (!written) return tl::unexpected(written.error());
      if (*written != Written::kAll) return 0;
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
      auto known = queue::list_vps(queue::posix_file_system(), options_.queue);
      if (!known) return tl::unexpected(known.error());
      names = std::move(*known);
    }
    for (const std::string& name : names) {
      if (outlets_.contains(name)) continue;
      const auto layout = queue::vp_layout(options_.queue, name);
      if (!layout) return tl::unexpected(layout.error());
      auto source = queue::ResultSource::open(queue::posix_file_system(), *layout);
      if (!source) return tl::unexpected(source.error());
      outlets_[name].source = std::move(*source);
    }
    return {};
  }

  // Fills the text. Returns how many messages it took.
  Expected<std::size_t> read_some() {
    std::size_t messages = 0;
    for (auto& [name, outlet] : outlets_) {
      while (text_.size() < kWriteBytes) {
        const auto stored = outlet.source->next(complaints_);
        for (const std::string& complaint : complaints_) tell(complaint);
        complaints_.clear();
        if (!stored) return tl::unexpected(stored.error());
        if (!*stored) break;
        queue::append_json(text_, (*stored)->message.results, name);
        outlet.written_end = (*stored)->end;
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
      if (auto committed = outlet.source->commit(outlet.written_end); !committed) {
        return tl::unexpected(committed.error());
      }
    }
    return Written::kAll;
  }

  const GetOptions& options_;
  std::map<std::string, Outlet> outlets_;
  Clock::time_point next_discovery_;
  std::string text_;
  std::vector<std::string> complaints_;
};

}  // namespace

Expected<int> get_lines(const GetOptions& options) {
  const auto root = queue::queue_root(options.queue);
  if (!root) return tl::unexpected(root.error());
  if (!options.vp.empty()) {
    if (auto checked = queue::check_vp_name(options.vp); !checked) {
      return tl::unexpected(checked.error());
    }
  }
  watch_signals();
  return Get(options).run();
}

}  // namespace backsight::cli
