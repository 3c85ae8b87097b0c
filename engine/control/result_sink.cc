#include "engine/control/result_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "queue/json.h"

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

  Expected<void> put(const queue::ResultBatch& batch) override {
    // After an error the same batch comes again: go on where the writing stopped.
    if (text_.empty()) render(batch);
    while (written_ < text_.size()) {
      const ssize_t count = write(descriptor_, text_.data() + written_, text_.size() - written_);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        return run_failed(
            fmt::format("--results: {} cannot be written: {}; results are not lost "
                        "in the queue, use one if they must survive this",
                        name_, std::strerror(errno)));
      }
      written_ += static_cast<std::size_t>(count);
    }
    text_.clear();
    written_ = 0;
    return {};
  }
  [[nodiscard]] std::chrono::milliseconds gather_time() const override {
    return std::chrono::milliseconds(0);
  }
  [[nodiscard]] bool keeps_unprobed_tasks() const override { return false; }

 private:
  void render(const queue::ResultBatch& batch) {
    const auto add = [this](const auto& record) {
      text_ += queue::to_json(record, vp_);
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
  Expected<void> put(const queue::ResultBatch& batch) override { return queue_.put(batch); }
  [[nodiscard]] std::chrono::milliseconds gather_time() const override { return kGroupCommit; }
  [[nodiscard]] bool keeps_unprobed_tasks() const override { return true; }

 private:
  queue::VpQueue& queue_;
};

class NoResults final : public ResultSink {
 public:
  Expected<void> put(const queue::ResultBatch&) override { return {}; }
  [[nodiscard]] std::chrono::milliseconds gather_time() const override {
    return std::chrono::milliseconds(0);
  }
  [[nodiscard]] bool keeps_unprobed_tasks() const override { return false; }
};

}  // namespace

Expected<std::unique_ptr<ResultSink>> open_result_lines(const std::string& file,
                                                        const std::string& vp) {
  if (file == "-") return std::make_unique<ResultLines>(STDOUT_FILENO, "standard output", vp);
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return bad_usage(
        fmt::format("--results: {} cannot be written: {}", file, std::strerror(errno)));
  }
  return std::make_unique<ResultLines>(descriptor, file, vp);
}

std::unique_ptr<ResultSink> results_of_queue(queue::VpQueue& queue) {
  return std::make_unique<ResultsOfQueue>(queue);
}

std::unique_ptr<ResultSink> no_results() { return std::make_unique<NoResults>(); }

}  // namespace backsight::engine
