#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "cli/output.h"
#include "cli/queue_commands.h"
#include "cli/stop.h"
#include "queue/access.h"
#include "queue/json.h"
#include "queue/layout.h"
#include "queue/task_sink.h"

namespace backsight::cli {

namespace {

constexpr std::size_t kReadBytes = 1 << 16;
constexpr std::size_t kMaxLineBytes = 1 << 16;

// Reads lines, and knows when more would have to be waited for.
class LineReader {
 public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}

  // Returns the next line without its end; nothing at the end of the input, which is also what a
  // signal makes of it. The line is good until the next call.
  Expected<bool> next(std::string_view& line) {
    while (true) {
      const std::size_t end = held_.find('\n', begin_);
      if (end != std::string::npos) {
        line = std::string_view(held_).substr(begin_, end - begin_);
        begin_ = end + 1;
        return true;
      }
      if (is_at_end_) {
        line = std::string_view(held_).substr(begin_);
        begin_ = held_.size();
        return !line.empty();
      }
      if (auto read = read_more(); !read) return tl::unexpected(read.error());
    }
  }

  // True iff next() would wait.
  [[nodiscard]] bool would_wait() const {
    if (is_at_end_ || held_.find('\n', begin_) != std::string::npos) return false;
    pollfd waiting{descriptor_, POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 0;
  }

 private:
  Expected<void> read_more() {
    held_.erase(0, begin_);
    begin_ = 0;
    if (held_.size() > kMaxLineBytes) {
      return bad_usage(
          fmt::format("a line is longer than {} bytes: not task lines", kMaxLineBytes));
    }
    const std::size_t had = held_.size();
    held_.resize(had + kReadBytes);
    const ssize_t got = ::read(descriptor_, held_.data() + had, kReadBytes);
    held_.resize(had + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0 || (got < 0 && errno == EINTR && is_stopped())) is_at_end_ = true;
    if (got < 0 && errno != EINTR) return run_failed(std::strerror(errno));
    return {};
  }

  int descriptor_;
  std::string held_;
  std::size_t begin_ = 0;
  bool is_at_end_ = false;
};

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// Collects tasks and puts them whenever there are many, or no more for now.
class Put {
 public:
  Put(const PutOptions& options, queue::QueueAccess& queue)
      : options_(options), queue_(queue), name_(options.file == "-" ? "stdin" : options.file) {}

  Expected<void> all(LineReader& lines) {
    std::string_view line;
    while (true) {
      const auto more = lines.next(line);
      if (!more) {
        const Error& error = more.error();
        return tl::unexpected(Error{error.code, fmt::format("{}: {}", name_, error.sentence)});
      }
      if (!*more) return flush();
      take(line);
      if (tasks_.size() >= queue::kMaxTasksPerRecord || (!tasks_.empty() && lines.would_wait())) {
        if (auto put = flush(); !put) return put;
      }
    }
  }

  [[nodiscard]] std::uint64_t queued() const { return queued_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  void take(std::string_view line) {
    ++line_number_;
    if (is_blank(line)) return;
    auto task = queue::parse_task_line(line);
    if (task) {
      tasks_.push_back(*task);
      return;
    }
    ++refused_;
    fmt::print(stderr, "{}:{}: {}\n", name_, line_number_, task.error().sentence);
  }

  Expected<void> flush() {
    if (tasks_.empty()) return {};
    if (auto put = queue_.put_tasks(options_.vp, tasks_); !put) return put;
    queued_ += tasks_.size();
    tasks_.clear();
    return {};
  }

  const PutOptions& options_;
  queue::QueueAccess& queue_;
  std::string name_;
  std::uint64_t line_number_ = 0;
  std::uint64_t queued_ = 0;
  std::uint64_t refused_ = 0;
  std::vector<queue::Task> tasks_;
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
  LineReader lines(descriptor);
  const auto done = put.all(lines);
  if (descriptor != STDIN_FILENO) ::close(descriptor);
  tell(fmt::format("{} task{} queued{}", put.queued(), put.queued() == 1 ? "" : "s",
                   put.refused() == 0 ? "" : fmt::format(", {} refused", put.refused())));
  if (!done) return tl::unexpected(done.error());
  return put.refused() == 0 ? 0 : 2;
}

}  // namespace backsight::cli
