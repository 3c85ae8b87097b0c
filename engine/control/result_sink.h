// Where results go: a file of JSON lines, or the queue.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "config/error.h"
#include "queue/vp_queue.h"
#include "tasks/result.h"

namespace backsight::engine {

// Thread: control.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  // Hands the batch over, and never waits for whoever reads it. True: it is written, and on disk if
  // the sink promises that. False: it could not be yet; call again with the same batch and nothing
  // more in it. On an error nothing of the batch counts as put; keep it and call again.
  virtual Expected<bool> put(const tasks::ResultBatch& batch) = 0;
  // How long results may be gathered for one batch.
  [[nodiscard]] virtual std::chrono::milliseconds gather_time() const = 0;
  // True if tasks that were not probed stay with the queue and need no result when we stop.
  [[nodiscard]] virtual bool keeps_unprobed_tasks() const = 0;
};

// "-" is standard output; a file is made anew, or what is in it is kept.
[[nodiscard]] Expected<std::unique_ptr<ResultSink>> open_result_lines(const std::string& file,
                                                                      const std::string& vp,
                                                                      bool keeps_file = false);
// `queue` outlives the sink.
[[nodiscard]] std::unique_ptr<ResultSink> results_of_queue(queue::VpQueue& queue);

}  // namespace backsight::engine
