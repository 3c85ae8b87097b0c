#include "queue/file/put_tasks.h"

#include <fmt/format.h>

#include <algorithm>

#include "tasks/codec/codec.h"

namespace backsight::queue {

namespace {
constexpr std::chrono::seconds kLockWait{10};
static_assert(kMaxTasksPerRecord * tasks::kTaskBytesEncoded < storage::kMaxPayloadBytes / 2);
}  // namespace

Expected<void> put_tasks(const std::string& url, const std::string& vp,
                         std::span<const tasks::Task> tasks) {
  const auto layout = vp_layout(url, vp);
  if (!layout) return tl::unexpected(layout.error());
  storage::LogOptions options;
  options.lock_wait = kLockWait;
  return put_tasks(storage::posix_file_system(), *layout, vp, tasks, options);
}

Expected<void> check_tasks(std::span<const tasks::Task> tasks) {
  for (const tasks::Task& task : tasks) {
    if (auto fault = tasks::task_fault(task)) {
      return bad_usage(fmt::format("task {}: {}", task.id, *fault));
    }
  }
  return {};
}

Expected<void> put_tasks(storage::FileSystem& files, const VpLayout& layout, const std::string& vp,
                         std::span<const tasks::Task> tasks, const storage::LogOptions& options) {
  if (auto checked = check_tasks(tasks); !checked) return checked;
  if (tasks.empty()) return {};
  const auto log = storage::LogWriter::open(files, layout.tasks, options);
  if (!log) return tl::unexpected(log.error());
  tasks::Encoder encoder;
  while (!tasks.empty()) {
    const auto part = tasks.first(std::min(tasks.size(), kMaxTasksPerRecord));
    (*log)->append(encoder.encode(vp, part), static_cast<std::uint32_t>(part.size()));
    tasks = tasks.subspan(part.size());
  }
  return (*log)->sync();
}

}  // namespace backsight::queue
