#include "engine/control/task_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "tasks/json/json.h"
#include "tasks/lines/line_reader.h"

namespace backsight::engine {
namespace {

class TaskLines final : public TaskSource {
 public:
  TaskLines(int descriptor, std::string name, std::uint64_t skipped)
      : descriptor_(descriptor), name_(std::move(name)), skipped_(skipped) {}
  TaskLines(const TaskLines&) = delete;
  TaskLines& operator=(const TaskLines&) = delete;
  ~TaskLines() override {
    if (descriptor_ != STDIN_FILENO) close(descriptor_);
  }

  Expected<void> take(std::size_t max, TaskIntake& intake) override {
    using Got = tasks::LineReader::Got;
    for (std::size_t taken = 0; taken < max;) {
      std::string_view line;
      const auto got = lines_.next(line);
      if (!got) return tl::unexpected(got.error());
      if (*got == Got::kNothingYet) return {};
      if (*got == Got::kEnd) return check_skipped();
      if (lines_.number() <= skipped_) continue;
      if (*got == Got::kTooLong) {
        complain(tasks::LineReader::too_long(), intake);
        ++taken;
      } else {
        taken += take_line(line, intake);
      }
    }
    return {};
  }

  [[nodiscard]] bool is_exhausted() const override { return lines_.is_at_end(); }

 private:
  Expected<void> check_skipped() const {
    if (lines_.number() >= skipped_) return {};
    return bad_usage(fmt::format("--skip {}: {} has {} lines only; is it the file that was begun?",
                                 skipped_, name_, lines_.number()));
  }

  void complain(std::string_view sentence, TaskIntake& intake) const {
    intake.complaints.push_back(fmt::format("{}:{}: {}", name_, lines_.number(), sentence));
  }

  // Returns 1 if the line held something, a task or not.
  std::size_t take_line(std::string_view line, TaskIntake& intake) const {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return 0;
    const auto task = tasks::parse_task_line(line);
    if (task) {
      intake.tasks.push_back({*task, lines_.number()});
      return 1;
    }
    complain(task.error().sentence, intake);
    if (task.error().has_id) intake.bad.push_back({task.error().id, lines_.number()});
    return 1;
  }

  const int descriptor_;
  const std::string name_;
  const std::uint64_t skipped_;
  tasks::LineReader lines_{descriptor_, name_};
};

class TasksOfQueue final : public TaskSource {
 public:
  explicit TasksOfQueue(queue::VpQueue& queue) : queue_(queue) {}
  Expected<void> take(std::size_t max, TaskIntake& intake) override {
    return queue_.take(max, intake.tasks, intake.complaints);
  }
  void rest(std::chrono::nanoseconds time) override { queue_.rest(time); }
  [[nodiscard]] bool is_exhausted() const override { return false; }

 private:
  queue::VpQueue& queue_;
};

}  // namespace

Expected<std::unique_ptr<TaskSource>> open_task_lines(const std::string& file,
                                                      std::uint64_t skipped) {
  if (file == "-") return std::make_unique<TaskLines>(STDIN_FILENO, "standard input", skipped);
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return bad_usage(fmt::format("--tasks: {} cannot be read: {}", file, std::strerror(errno)));
  }
  return std::make_unique<TaskLines>(descriptor, file, skipped);
}

std::unique_ptr<TaskSource> tasks_of_queue(queue::VpQueue& queue) {
  return std::make_unique<TasksOfQueue>(queue);
}

}  // namespace backsight::engine
