// The queue as a vantage point sees it: tasks in, results out. One interface for the file log of
// one machine and for brokers. docs/queue.md has the promises.
//
// Promise: a task is taken off the queue in the same durable step that makes its result durable, so
// that a crash between any two instructions neither loses a result nor answers a task twice.
// Thread: one thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/error.h"
#include "queue/address.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::queue {

// Results that no consumer has committed.
struct Spool {
  std::uint64_t bytes = 0;
  std::uint64_t results = 0;
};

// How a vantage point and its queue get on.
struct QueueHealth {
  // What keeps tasks from coming or results from leaving, one sentence each. They stay the same as
  // long as the trouble does, so that whoever tells them can tell each once.
  std::vector<std::string> troubles;
  bool has_broker = false;
  bool is_connected = true;             // to the broker
  std::uint64_t spool_limit_bytes = 0;  // 0: none but the disk's
  // Since the start:
  std::uint64_t connections = 0;    // to the broker
  std::uint64_t batches_sent = 0;   // that the broker took
  std::uint64_t batches_again = 0;  // of these, sent once more
  std::uint64_t send_failures = 0;  // refused by the broker, and kept
  std::uint64_t dead_letters = 0;   // messages from the broker that were none of ours
};

class VpQueue {
 public:
  virtual ~VpQueue() = default;

  // Appends at most `max` tasks that wait and were not taken since start. Never blocks. A record
  // that cannot be read is skipped, counted and told in `complaints`, one sentence each.
  virtual Expected<void> take(std::size_t max, std::vector<tasks::QueuedTask>& out,
                              std::vector<std::string>& complaints) = 0;

  // Sleeps so long; less if it is told meanwhile that tasks may wait.
  virtual void rest(std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); }

  // Makes the batch durable and its tasks done. Returns when it is on the disk. On an error nothing
  // of the batch counts as put: keep it and call again.
  virtual Expected<void> put(const tasks::ResultBatch& batch) = 0;

  // Writes what `backsight vp list` shows, as JSON; replaces what was there.
  virtual Expected<void> announce(const std::string& status_json) = 0;

  [[nodiscard]] virtual Spool spool() const = 0;
  [[nodiscard]] virtual QueueHealth health() const { return {}; }
};

// Opens the queue of vantage point `vp`, whose number in probe ids is `id` (0: none). A broker need
// not be reachable: health() tells. Fails if another process is this vantage point, or has its id,
// in the same folder; one on the same broker is told by health(), and no tasks are taken.
[[nodiscard]] Expected<std::unique_ptr<VpQueue>> open_vp_queue(const QueueAddress& address,
                                                               const std::string& vp,
                                                               unsigned id = 0);

}  // namespace backsight::queue
