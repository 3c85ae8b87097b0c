#include "queue/file/file_client.h"

#include "queue/file/put_tasks.h"

namespace backsight::queue {

Expected<std::vector<std::string>> FileClient::list_vps() {
  return queue::list_vps(storage::posix_file_system(), url_);
}

Expected<std::string> FileClient::read_status(const std::string& vp) {
  return queue::read_status(storage::posix_file_system(), url_, vp);
}

Expected<void> FileClient::put_tasks(const std::string& vp, std::span<const tasks::Task> tasks) {
  return queue::put_tasks(url_, vp, tasks);
}

Expected<std::unique_ptr<ResultSource>> FileClient::open_source(const std::string& vp) {
  const auto layout = vp_layout(url_, vp);
  if (!layout) return tl::unexpected(layout.error());
  return FileResultSource::open(storage::posix_file_system(), *layout)
      .map([](auto source) -> std::unique_ptr<ResultSource> { return source; });
}

Expected<std::unique_ptr<ResultTail>> FileClient::open_tail(const std::string& vp) {
  const auto layout = vp_layout(url_, vp);
  if (!layout) return tl::unexpected(layout.error());
  return FileResultTail::open(storage::posix_file_system(), *layout)
      .map([](auto tail) -> std::unique_ptr<ResultTail> { return tail; });
}

}  // namespace backsight::queue
