// Where results go: a file of JSON lines, the queue, or nowhere.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "config/error.h"
#include "queue/result.h"
#include "queue/vp_queue.h"

namespace backsight::engine {

// Thread: control.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  // Hands the batch over: written when this returns, on disk if the sink promises that. On an error
  // nothing of the batch counts as put; keep it and call again.
  virtual Expected<void> put(const queue::ResultBatch& batch) = 0;
  // How long results may be gathered for one batch.
  [[nodiscard]] virtual std::chrono::milliseconds gather_time() const = 0;
  // True if tasks that were not probed stay with the source and need no result when we stop.
  [[nodiscard]] virtual bool keeps_unprobed_tasks() const = 0;
};

// "-" is standard output; a file is made anew.
[[nodiscard]] Expected<std::unique_ptr<ResultSink>> open_result_lines(const std::string& file,
                                                                      const std::string& vp);
// `queue` outlives the sink.
[[nodiscard]] std::unique_ptr<ResultSink> results_of_queue(queue::VpQueue& queue);
[[nodiscard]] std::unique_ptr<ResultSink> no_results();

}  // namespace backsight::engine
