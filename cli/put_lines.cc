#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "cli/output.h"
#include "cli/queue_commands.h"
#include "cli/stop.h"
#include "queue/client.h"
#include "queue/file/layout.h"
#include "queue/file/put_tasks.h"
#include "tasks/json/json.h"
#include "tasks/lines/line_reader.h"
#include "tasks/lines/stream.h"

namespace backsight::cli {

namespace {

// How often a signal is asked for that came just before waiting.
constexpr std::chrono::milliseconds kLook{200};

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// Collects tasks and puts them whenever there are many, or no more for now.
class Put {
 public:
  Put(const PutOptions& options, queue::QueueClient& queue)
      : options_(options), queue_(queue), name_(options.file == "-" ? "stdin" : options.file) {}

  // Until the end of the input, which is also what a signal makes of it. What was read is queued,
  // also when reading fails.
  Expected<void> all(int descriptor) {
    tasks::LineReader lines(descriptor, name_);
    while (true) {
      std::string_view line;
      const auto got = lines.next(line);
      if (got && (*got == Got::kLine || *got == Got::kTooLong)) {
        take(*got, line, lines.number());
        if (tasks_.size() < queue::kMaxTasksPerRecord) continue;
      }
      if (auto put = flush(); !put) return put;
      if (!got) return tl::unexpected(got.error());
      if (*got == Got::kEnd || (*got == Got::kNothingYet && is_stopped())) return {};
      if (is_stopped()) {
        return run_failed(fmt::format("{}: stopped at line {}; those behind it are not queued",
                                      name_, lines.number()));
      }
      if (*got == Got::kNothingYet) tasks::wait_readable(descriptor, kLook);
    }
  }

  [[nodiscard]] std::uint64_t queued() const { return queued_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  using Got = tasks::LineReader::Got;

  void take(Got got, std::string_view line, std::uint64_t number) {
    if (got == Got::kTooLong) return refuse(number, tasks::LineReader::too_long());
    if (is_blank(line)) return;
    auto task = tasks::parse_task_line(line);
    if (!task) return refuse(number, task.error().sentence);
    tasks_.push_back(*task);
  }

  void refuse(std::uint64_t number, std::string_view sentence) {
    ++refused_;
    tell_plainly(fmt::format("{}:{}: {}", name_, number, sentence));
  }

  Expected<void> flush() {
    if (tasks_.empty()) return {};
    if (auto put = queue_.put_tasks(options_.vp, tasks_); !put) return put;
    queued_ += tasks_.size();
    tasks_.clear();
    return {};
  }

  const PutOptions& options_;
  queue::QueueClient& queue_;
  std::string name_;
  std::uint64_t queued_ = 0;
  std::uint64_t refused_ = 0;
  std::vector<tasks::Task> tasks_;
};

}  // namespace

Expected<int> put_lines(const PutOptions& options) {
  if (auto named = queue::check_vp_name(options.vp); !named) return tl::unexpected(named.error());
  const auto queue = queue::open_queue(options.queue);
  if (!queue) return tl::unexpected(queue.error());
  watch_signals();
  int descriptor = STDIN_FILENO;
  if (options.file != "-") descriptor = ::open(options.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return bad_usage(fmt::format("{}: cannot open: {}", options.file, std::strerror(errno)));
  }
  Put put(options, **queue);
  const auto done = put.all(descriptor);
  if (descriptor != STDIN_FILENO) ::close(descriptor);
  tell(fmt::format("{} task{} queued{}", put.queued(), put.queued() == 1 ? "" : "s",
                   put.refused() == 0 ? "" : fmt::format(", {} refused", put.refused())));
  if (!done) return tl::unexpected(done.error());
  return put.refused() == 0 ? 0 : 2;
}

}  // namespace backsight::cli
