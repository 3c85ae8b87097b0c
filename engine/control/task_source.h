// Where tasks come from: a file of JSON lines, or the queue.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/error.h"
#include "queue/vp_queue.h"
#include "tasks/task.h"

namespace backsight::engine {

// Tasks that could not be read but name themselves: each gets a result.
struct BadTask {
  std::uint64_t id = 0;
  std::uint64_t position = 0;
};

struct TaskIntake {
  std::vector<tasks::QueuedTask> tasks;
  std::vector<BadTask> bad;
  std::vector<std::string> complaints;  // sentences with their place
  void clear() {
    tasks.clear();
    bad.clear();
    complaints.clear();
  }
};

// Thread: control.
class TaskSource {
 public:
  virtual ~TaskSource() = default;
  // Appends at most `max` tasks, bad ones included; never blocks. What was appended before an error
  // counts.
  virtual Expected<void> take(std::size_t max, TaskIntake& intake) = 0;
  // Sleeps so long; less if it is told meanwhile that tasks may wait.
  virtual void rest(std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); }
  // True when no task will ever come again.
  [[nodiscard]] virtual bool is_exhausted() const = 0;
};

// "-" is standard input. A task's position is its line, from 1. The first `skipped` lines are
// passed over; a file that has fewer is an error.
[[nodiscard]] Expected<std::unique_ptr<TaskSource>> open_task_lines(const std::string& file,
                                                                    std::uint64_t skipped = 0);
// `queue` outlives the source.
[[nodiscard]] std::unique_ptr<TaskSource> tasks_of_queue(queue::VpQueue& queue);

}  // namespace backsight::engine
