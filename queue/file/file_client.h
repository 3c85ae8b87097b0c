// The queue over the file log, for those who use vantage points.
#pragma once

#include <string>
#include <utility>

#include "queue/client.h"

namespace backsight::queue {

class FileClient final : public QueueClient {
 public:
  explicit FileClient(std::string url) : url_(std::move(url)) {}

  Expected<std::vector<std::string>> list_vps() override;
  Expected<std::string> read_status(const std::string& vp) override;
  Expected<void> put_tasks(const std::string& vp, std::span<const tasks::Task> tasks) override;
  Expected<std::unique_ptr<ResultSource>> open_source(const std::string& vp) override;
  Expected<std::unique_ptr<ResultTail>> open_tail(const std::string& vp) override;

 private:
  std::string url_;
};

}  // namespace backsight::queue
