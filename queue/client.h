// The queue as those see it who use vantage points: who is there, tasks in, results out. One
// interface for the file log and for brokers.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"
#include "queue/address.h"
#include "queue/result_source.h"
#include "tasks/task.h"

namespace backsight::queue {

// Thread: one at a time.
class QueueClient {
 public:
  virtual ~QueueClient() = default;

  // The names of the vantage points that the queue knows, in order.
  [[nodiscard]] virtual Expected<std::vector<std::string>> list_vps() = 0;
  // What the vantage point last announced; empty when it has not yet.
  [[nodiscard]] virtual Expected<std::string> read_status(const std::string& vp) = 0;
  // They are durably queued when this returns. The vantage point need not run. On an error, which
  // says how many are queued, the others are not.
  [[nodiscard]] virtual Expected<void> put_tasks(const std::string& vp,
                                                 std::span<const tasks::Task> tasks) = 0;
  // The access outlives what it opened.
  [[nodiscard]] virtual Expected<std::unique_ptr<ResultSource>> open_source(
      const std::string& vp) = 0;
  [[nodiscard]] virtual Expected<std::unique_ptr<ResultTail>> open_tail(const std::string& vp) = 0;
};

[[nodiscard]] Expected<std::unique_ptr<QueueClient>> open_queue(const QueueAddress& address);

}  // namespace backsight::queue
