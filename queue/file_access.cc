#include "queue/file_access.h"

#include "queue/task_sink.h"

namespace backsight::queue {

Expected<std::vector<std::string>> FileAccess::list_vps() {
  return queue::list_vps(posix_file_system(), url_);
}

Expected<std::string> FileAccess::read_status(const std::string& vp) {
  return queue::read_status(posix_file_system(), url_, vp);
}

Expected<void> FileAccess::put_tasks(const std::string& vp, std::span<const Task> tasks) {
  return queue::put_tasks(url_, vp, tasks);
}

Expected<std::unique_ptr<ResultSource>> FileAccess::open_source(const std::string& vp) {
  const auto layout = vp_layout(url_, vp);
  if (!layout) return tl::unexpected(layout.error());
  return FileResultSource::open(posix_file_system(), *layout)
      .map([](auto source) -> std::unique_ptr<ResultSource> { return source; });
}

Expected<std::unique_ptr<ResultTail>> FileAccess::open_tail(const std::string& vp) {
  const auto layout = vp_layout(url_, vp);
  if (!layout) return tl::unexpected(layout.error());
  return FileResultTail::open(posix_file_system(), *layout)
      .map([](auto tail) -> std::unique_ptr<ResultTail> { return tail; });
}

}  // namespace backsight::queue
