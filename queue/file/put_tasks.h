// Tasks into the queue of a vantage point, from any number of processes in turn.
#pragma once

#include <span>
#include <string>

#include "config/error.h"
#include "queue/file/layout.h"
#include "storage/log/log_writer.h"
#include "tasks/task.h"

namespace backsight::queue {

// Tasks of one record at the most. Putting more at once is as durable, and as quick.
inline constexpr std::size_t kMaxTasksPerRecord = 1 << 16;

// Puts the tasks into the queue of `vp`, all or none: they are on the disk when this returns. The
// vantage point need not run. Waits while another process puts, 10 s at the most.
[[nodiscard]] Expected<void> put_tasks(const std::string& url, const std::string& vp,
                                       std::span<const tasks::Task> tasks);

// What is out of range, for whoever put the tasks.
[[nodiscard]] Expected<void> check_tasks(std::span<const tasks::Task> tasks);

// The same with a file system and options of the caller's.
[[nodiscard]] Expected<void> put_tasks(storage::FileSystem& files, const VpLayout& layout,
                                       const std::string& vp, std::span<const tasks::Task> tasks,
                                       const storage::LogOptions& options);

}  // namespace backsight::queue
