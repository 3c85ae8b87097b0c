#include "engine/control/result_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tasks/json/json.h"
#include "tasks/lines/stream.h"

namespace backsight::engine {
namespace {

constexpr std::chrono::milliseconds kGroupCommit{20};

class ResultLines final : public ResultSink {
 public:
  ResultLines(int descriptor, std::string name, std::string vp)
      : descriptor_(descriptor), name_(std::move(name)), vp_(std::move(vp)) {}
  ResultLines(const ResultLines&) = delete;
  ResultLines& operator=(const ResultLines&) = delete;
  ~ResultLines() override {
    if (descriptor_ != STDOUT_FILENO) close(descriptor_);
  }

  Expected<bool> put(const tasks::ResultBatch& batch) override {
    // The same batch comes again: go on where the writing stopped.
    if (text_.empty()) render(batch);
    const auto put = tasks::write_some(descriptor_, std::string_view(text_).substr(written_));
    if (!put) {
      return run_failed(
          fmt::format("--results: {} cannot be written: {}; results are not lost "
                      "in the queue, use one if they must survive this",
                      name_, std::strerror(put.error())));
    }
    written_ += *put;
    if (written_ < text_.size()) return false;
    text_.clear();
    written_ = 0;
    return true;
  }
  [[nodiscard]] std::chrono::milliseconds gather_time() const override {
    return std::chrono::milliseconds(0);
  }
  [[nodiscard]] bool keeps_unprobed_tasks() const override { return false; }

 private:
  void render(const tasks::ResultBatch& batch) {
    const auto add = [this](const auto& record) {
      text_ += tasks::to_json(record, vp_);
      text_ += '\n';
    };
    for (const auto& record : batch.probes) add(record);
    for (const auto& record : batch.traces) add(record);
    for (const auto& record : batch.observations) add(record);
  }

  const int descriptor_;
  const std::string name_;
  const std::string vp_;
  std::string text_;
  std::size_t written_ = 0;
};

class ResultsOfQueue final : public ResultSink {
 public:
  explicit ResultsOfQueue(queue::VpQueue& queue) : queue_(queue) {}
  Expected<bool> put(const tasks::ResultBatch& batch) override {
    return queue_.put(batch).map([] { return true; });
  }
  [[nodiscard]] std::chrono::milliseconds gather_time() const override { return kGroupCommit; }
  [[nodiscard]] bool keeps_unprobed_tasks() const override { return true; }

 private:
  queue::VpQueue& queue_;
};

}  // namespace

Expected<std::unique_ptr<ResultSink>> open_result_lines(const std::string& file,
                                                        const std::string& vp, bool keeps_file) {
  if (file == "-") return std::make_unique<ResultLines>(STDOUT_FILENO, "standard output", vp);
  const int descriptor =
      open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (keeps_file ? O_APPEND : O_TRUNC), 0644);
  if (descriptor < 0) {
    return bad_usage(
        fmt::format("--results: {} cannot be written: {}", file, std::strerror(errno)));
  }
  return std::make_unique<ResultLines>(descriptor, file, vp);
}

std::unique_ptr<ResultSink> results_of_queue(queue::VpQueue& queue) {
  return std::make_unique<ResultsOfQueue>(queue);
}

}  // namespace backsight::engine
