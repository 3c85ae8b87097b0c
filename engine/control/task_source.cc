#include "engine/control/task_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "queue/json.h"

namespace backsight::engine {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMaxLineBytes = 64 * 1024;

class TaskLines final : public TaskSource {
 public:
  TaskLines(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  TaskLines(const TaskLines&) = delete;
  TaskLines& operator=(const TaskLines&) = delete;
  ~TaskLines() override {
    if (descriptor_ != STDIN_FILENO) close(descriptor_);
  }

  Expected<void> take(std::size_t max, TaskIntake& intake) override {
    for (std::size_t taken = 0; taken < max;) {
      const std::size_t end = text_.find('\n', at_);
      if (end != std::string::npos) {
        taken += take_line(std::string_view(text_).substr(at_, end - at_), intake);
        at_ = end + 1;
        continue;
      }
      const auto more = read_more(intake);
      if (!more) return tl::unexpected(more.error());
      if (!*more) break;
    }
    return {};
  }

  [[nodiscard]] bool is_at_hand() const override {
    struct stat status {};
    return fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  }
  [[nodiscard]] bool is_exhausted() const override { return at_end_ && at_ == text_.size(); }

 private:
  // False: nothing to read now, or ever.
  Expected<bool> read_more(TaskIntake& intake) {
    text_.erase(0, at_);
    at_ = 0;
    if (text_.size() > kMaxLineBytes) {
      if (!skips_line_) complain_of_length(intake);
      text_.clear();
      skips_line_ = true;
    }
    if (at_end_) return false;
    pollfd ready{descriptor_, POLLIN, 0};
    if (poll(&ready, 1, 0) <= 0) return false;
    std::array<char, kReadBytes> buffer;
    const ssize_t count = read(descriptor_, buffer.data(), buffer.size());
    if (count < 0) {
      if (errno == EINTR || errno == EAGAIN) return false;
      return run_failed(fmt::format("{}: cannot be read: {}", name_, std::strerror(errno)));
    }
    if (count == 0) {
      at_end_ = true;
      if (!text_.empty()) text_ += '\n';  // a last line without its end is a line
      return !text_.empty();
    }
    text_.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }

  void complain_of_length(TaskIntake& intake) {
    ++line_;
    intake.complaints.push_back(
        fmt::format("{}:{}: the line is longer than {} bytes; a task is one JSON object a line",
                    name_, line_, kMaxLineBytes));
  }

  // Returns 1 if the line held something, a task or not.
  std::size_t take_line(std::string_view line, TaskIntake& intake) {
    if (skips_line_) {
      skips_line_ = false;
      return 0;
    }
    if (line.size() > kMaxLineBytes) {
      complain_of_length(intake);
      return 1;
    }
    ++line_;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return 0;
    const auto task = queue::parse_task_line(line);
    if (task) {
      intake.tasks.push_back({*task, line_});
      return 1;
    }
    intake.complaints.push_back(fmt::format("{}:{}: {}", name_, line_, task.error().sentence));
    if (task.error().has_id) intake.bad.push_back({task.error().id, line_});
    return 1;
  }

  const int descriptor_;
  const std::string name_;
  std::string text_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 0;
  bool at_end_ = false;
  bool skips_line_ = false;
};

class TasksOfQueue final : public TaskSource {
 public:
  explicit TasksOfQueue(queue::VpQueue& queue) : queue_(queue) {}
  Expected<void> take(std::size_t max, TaskIntake& intake) override {
    return queue_.take(max, intake.tasks, intake.complaints);
  }
  [[nodiscard]] bool is_exhausted() const override { return false; }

 private:
  queue::VpQueue& queue_;
};

}  // namespace

Expected<std::unique_ptr<TaskSource>> open_task_lines(const std::string& file) {
  if (file == "-") return std::make_unique<TaskLines>(STDIN_FILENO, "standard input");
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return bad_usage(fmt::format("--tasks: {} cannot be read: {}", file, std::strerror(errno)));
  }
  return std::make_unique<TaskLines>(descriptor, file);
}

std::unique_ptr<TaskSource> tasks_of_queue(queue::VpQueue& queue) {
  return std::make_unique<TasksOfQueue>(queue);
}

}  // namespace backsight::engine
