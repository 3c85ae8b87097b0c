// The queue as a vantage point sees it: tasks in, results out. One interface for the file log of
// one machine and for brokers. docs/queue.md has the promises.
//
// Promise: a task is taken off the queue in the same durable step that makes its result durable, so
// that a crash between any two instructions neither loses a result nor answers a task twice.
// Thread: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/error.h"
#include "queue/result.h"
#include "queue/task.h"

namespace backsight::queue {

class VpQueue {
 public:
  virtual ~VpQueue() = default;

  // Appends at most `max` tasks that wait and were not taken since start. Never blocks. A record
  // that cannot be read is skipped, counted and told in `complaints`, one sentence each.
  virtual Expected<void> take(std::size_t max, std::vector<QueuedTask>& out,
                              std::vector<std::string>& complaints) = 0;

  // Makes the batch durable and its tasks done. Returns when it is on the disk. On an error nothing
  // of the batch counts as put: keep it and call again.
  virtual Expected<void> put(const ResultBatch& batch) = 0;

  // Writes what `backsight vp list` shows, as JSON; replaces what was there.
  virtual Expected<void> announce(const std::string& status_json) = 0;

  // Bytes of results that no consumer has committed.
  [[nodiscard]] virtual std::uint64_t spool_bytes() const = 0;
};

// Opens the queue of vantage point `vp` behind `url` ("file:///dir").
[[nodiscard]] Expected<std::unique_ptr<VpQueue>> open_vp_queue(const std::string& url,
                                                               const std::string& vp);

}  // namespace backsight::queue
