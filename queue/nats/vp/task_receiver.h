// Tasks from the broker to the vantage point's own log, from which they are handed out. The broker
// keeps a message until all its tasks have durable results: a vantage point that loses its disk
// gets them again. A message that comes again is known by the broker's number and time for it,
// which stand in the log beside its tasks.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "queue/nats/broker/connection.h"
#include "queue/nats/broker/dead_letter.h"
#include "queue/nats/broker/pull.h"
#include "queue/nats/vp/task_ledger.h"
#include "storage/durable_number.h"
#include "storage/mirror.h"
#include "tasks/codec/codec.h"

namespace backsight::queue::nats {

// Thread: one at a time. Outlives connections.
class TaskReceiver {
 public:
  // `ledger` outlives the receiver, and learns what the log holds.
  [[nodiscard]] static Expected<std::unique_ptr<TaskReceiver>> open(
      storage::FileSystem& files, const std::string& directory, const std::string& vp,
      TaskLedger& ledger, std::vector<std::string>& complaints);

  [[nodiscard]] Expected<void> connect(Connection& connection);
  void disconnect();

  // Takes messages if any are wanted, acknowledges those that are done. True if anything happened.
  // An error means that the connection is of no more use.
  [[nodiscard]] Expected<bool> pump(bool is_wanted, std::vector<std::string>& complaints);

  // Waits for a message, so long at the most. False: none came. REQUIRES: connect() worked.
  bool await(std::chrono::milliseconds patience) { return feed_->await(patience); }

  // Position behind the last task in the log.
  [[nodiscard]] std::uint64_t end() const noexcept { return log_->end(); }
  // What keeps tasks from coming though there is a connection; empty: nothing.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }
  [[nodiscard]] std::uint64_t dead_letters() const noexcept { return unusable_.count(); }

 private:
  using Clock = std::chrono::steady_clock;

  TaskReceiver(std::unique_ptr<storage::MirroredWriter> log, storage::DurableNumber forgotten,
               std::string vp, TaskLedger& ledger);

  [[nodiscard]] Expected<void> take(natsMsg* message, std::vector<std::string>& complaints);
  [[nodiscard]] Expected<void> keep(natsMsg* message, const tasks::TaskMessage& tasks);
  [[nodiscard]] Expected<void> acknowledge();
  [[nodiscard]] Expected<void> publish_progress();
  [[nodiscard]] Expected<void> forget();

  std::unique_ptr<storage::MirroredWriter> log_;
  storage::DurableNumber
      forgotten_;  // time of the newest message that is not in the ledger any more
  std::string vp_;
  DeadLetters unusable_;
  TaskLedger& ledger_;
  Connection* connection_ = nullptr;
  std::unique_ptr<PullFeed> feed_;
  std::uint64_t stream_created_ns_ = 0;
  Clock::time_point tell_at_;
  Clock::time_point forget_at_;
  Clock::time_point retry_at_;
  std::string trouble_;
  tasks::Encoder encoder_;
};

}  // namespace backsight::queue::nats
