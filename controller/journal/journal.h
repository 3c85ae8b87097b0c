// The memory of requests: which were accepted, which have ended and how, on a file log. What
// accept() has acknowledged survives kill -9 and a power cut. Those who wait for the disk at the
// same time share one write.
//
//   directory/            segments, lock and end of the log (storage/log)
//   directory/ids         numbers up to which may have been given out (id_source.h)
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "config/error.h"
#include "controller/journal/journal_record.h"
#include "controller/request.h"
#include "controller/reverse_path.h"
#include "storage/log/log_writer.h"
#include "storage/log/record_fetcher.h"

namespace backsight::controller {

// An end that is on the disk.
struct EndedRecord {
  std::uint64_t batch = 0;
  std::uint64_t id = 0;
  std::uint64_t unix_us = 0;
  std::string label;
  storage::RecordPlace place;
};

// What open() found, in the order in which it was written.
class Replay {
 public:
  virtual ~Replay() = default;
  virtual void accepted(const JournalHead& head, std::vector<Request> requests) = 0;
  virtual void ended(const EndedRecord& record) = 0;
  virtual void cancelled(const JournalHead& head) = 0;
};

struct JournalOptions {
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
};

// Thread: any.
class Journal {
 public:
  // Reads all there is into `replay`. What is damaged is passed, and told in `complaints`, one
  // sentence each with its place. Fails when another process has the folder.
  [[nodiscard]] static Expected<std::unique_ptr<Journal>> open(
      storage::FileSystem& files, const std::string& directory, const JournalOptions& options,
      Replay& replay, std::vector<std::string>& complaints);

  // All of one batch and user, numbered (request_numbers.h). Durable on return; on an
  // error they do not count.
  [[nodiscard]] Expected<void> accept(std::span<const Request> requests, std::uint64_t unix_us);
  // Kept in memory, in order, until a sync() or accept() of anybody has written them.
  void end(const ReversePath& path, std::uint64_t unix_us);
  void cancel(std::uint64_t batch, std::uint64_t unix_us);
  // Makes durable what was kept before. On an error it stays kept.
  [[nodiscard]] Expected<void> sync();
  // The ends that have become durable since the last call, in the order of end().
  [[nodiscard]] std::vector<EndedRecord> take_written();

  // Reads ends again; one by one in order, as they are or why not.
  [[nodiscard]] std::vector<Expected<ReversePath>> read(
      std::span<const storage::RecordPlace> places) const;

  // Nothing of these batches is needed any more: segments that hold nothing else are removed.
  [[nodiscard]] Expected<void> forget(std::span<const std::uint64_t> batches);
  // The batches that keep the oldest segment from being removed; none when there is only one.
  [[nodiscard]] Expected<std::vector<std::uint64_t>> oldest() const;
  [[nodiscard]] Expected<std::uint64_t> bytes() const;
  // What waits for the write after the one under way.
  [[nodiscard]] std::size_t kept() const;

 private:
  struct Waiter {
    bool is_done = false;
    Expected<void> outcome;
  };
  struct Kept {
    JournalHead head;
    std::vector<std::byte> bytes;  // none: somebody waits for all before
    Waiter* waiter = nullptr;      // none: kept until it is written
    storage::RecordPlace place;    // once it is appended
    std::uint64_t position = 0;
  };

  Journal(storage::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  Expected<void> replay_all(Replay& replay, std::vector<std::string>& complaints);
  void replay_record(const storage::LogRecord& record, const storage::RecordPlace& place,
                     Replay& replay, std::vector<std::string>& complaints);
  Expected<void> wait_for(Kept kept, std::unique_lock<std::mutex>& lock);
  void write(std::unique_lock<std::mutex>& lock);
  void settle(std::vector<Kept>& written, const Expected<void>& outcome);
  void remember(std::uint64_t batch, std::uint64_t position);
  void drop_forgotten_starts();

  storage::FileSystem& files_;
  const std::string directory_;
  std::unique_ptr<storage::LogWriter> log_;  // of who is writing

  mutable std::mutex mutex_;  // of all below
  std::condition_variable has_settled_;
  bool is_writing_ = false;
  std::vector<Kept> kept_;
  std::vector<EndedRecord> written_;
  struct Start {
    std::uint64_t position = 0;  // of the record that accepted it
    std::uint64_t batch = 0;
  };
  std::deque<Start> starts_;  // in the order of the log; forgotten ones linger
  std::unordered_set<std::uint64_t> kept_batches_;  // not forgotten
};

}  // namespace backsight::controller
