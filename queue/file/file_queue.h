// The queue of one vantage point over the file log. docs/queue.md says why a crash between any two
// instructions neither loses a result nor answers a task twice:
//
//   - a result's record in the log names the tasks it ends, so both become durable in one step;
//   - the first record of each segment holds a snapshot of all that is done, so that a start reads
//     back one segment at the most, and older ones may be freed;
//   - segments of tasks are freed only behind what such a record says.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "queue/file/done_set.h"
#include "queue/file/layout.h"
#include "queue/file/vp_claim.h"
#include "queue/vp_queue.h"
#include "storage/durable_number.h"
#include "storage/log/log_reader.h"
#include "storage/log/log_writer.h"
#include "tasks/codec/codec.h"

namespace backsight::queue {

class FileQueue final : public VpQueue {
 public:
  // Of records in one message. What else it holds, a snapshot included, fits in the rest.
  static constexpr std::size_t kMaxRecordsBytes =
      storage::kMaxPayloadBytes - (std::size_t{9} << 20);

  // A record of the log holds results of `records_bytes` at the most.
  [[nodiscard]] static Expected<std::unique_ptr<FileQueue>> open(
      storage::FileSystem& files, const VpLayout& layout, const std::string& vp,
      const storage::LogOptions& options, std::size_t records_bytes = kMaxRecordsBytes);

  Expected<void> take(std::size_t max, std::vector<tasks::QueuedTask>& out,
                      std::vector<std::string>& complaints) override;
  void rest(std::chrono::nanoseconds time) override;
  Expected<void> put(const tasks::ResultBatch& batch) override;
  Expected<void> announce(const std::string& status_json) override;
  [[nodiscard]] Spool spool() const override;

  [[nodiscard]] std::uint64_t boot_epoch() const noexcept { return head_.boot_epoch; }
  // Names this log among all that a vantage point of this name ever had.
  [[nodiscard]] std::uint64_t log_id() const noexcept { return head_.log; }
  [[nodiscard]] std::uint64_t results_end() const noexcept { return results_->durable_end(); }
  // Tasks that have a durable result.
  [[nodiscard]] const DoneSet& done() const noexcept { return done_; }
  // Tasks below were handed out, or are done.
  [[nodiscard]] std::uint64_t taken_below() const noexcept {
    return loaded_.tasks.empty() ? tasks_->position() : loaded_position_ + loaded_taken_;
  }
  // As long as the queue lives.
  void hold(VpClaim claim) noexcept { claim_ = std::move(claim); }
  // Tasks from there on stay in the log even when they are done.
  void keep_tasks_from(std::uint64_t position) noexcept { keep_from_ = position; }

 private:
  FileQueue(storage::FileSystem& files, VpLayout layout, storage::DurableNumber epoch,
            storage::DurableNumber task_mark, std::size_t records_bytes);

  Expected<void> restore();
  Expected<bool> restore_segment(std::uint64_t first, std::uint64_t end);
  Expected<void> begin_epoch();
  Expected<void> name_log();
  Expected<void> open_task_log(const storage::LogOptions& options);
  [[nodiscard]] bool is_worth_a_look();
  Expected<bool> load_tasks(std::vector<std::string>& complaints);
  void append(const tasks::ResultSpans& records);
  void mark_done(const tasks::ResultBatch& batch);
  void free_tasks();

  storage::FileSystem& files_;
  VpLayout layout_;
  VpClaim claim_;
  std::unique_ptr<storage::LogWriter> results_;
  std::unique_ptr<storage::LogReader> tasks_;
  std::unique_ptr<storage::Watch> tasks_watch_;  // none: every look is worth it
  bool has_news_ = false;                        // the watch told, and nobody has looked since
  bool has_read_all_ = false;                    // of the tasks, when they were looked at last
  std::chrono::steady_clock::time_point look_again_;
  storage::DurableNumber epoch_;
  storage::DurableNumber task_mark_;
  DoneSet done_;  // durably
  std::size_t records_bytes_;
  std::uint64_t keep_from_ = UINT64_MAX;
  std::uint64_t freed_below_ = 0;  // positions of tasks whose segments were looked at
  tasks::TaskMessage loaded_;      // tasks read and not yet taken
  std::size_t loaded_taken_ = 0;
  std::uint64_t loaded_position_ = 0;  // of loaded_.tasks[0]
  tasks::Encoder encoder_;
  tasks::ResultHead head_;               // of the next message
  std::vector<std::string> complaints_;  // of the start, told at the first take()
};

}  // namespace backsight::queue
