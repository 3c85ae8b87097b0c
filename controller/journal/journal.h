// The one durable log of the controller: what was accepted and cancelled, what was measured, and
// how requests ended, in this order. Batches that can be asked for (request_book.h) and bundles of
// the archive (controller/archive) are made by reading it. What accept() has acknowledged, and what
// a sync() has written, survives kill -9 and a power cut. Those who wait for the disk at the same
// time share one write and one sync.
//
//   directory/            segments, lock and end of the log (storage/log)
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
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
  std::uint64_t runtime_us = 0;  // 0: of an earlier process
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
  // Gets a sentence when writing begins to fail and when it works again; from any thread, one at a
  // time.
  std::function<void(const std::string& sentence, bool is_fault)> tell;
};

// Thread: any.
class Journal {
 public:
  // Reads all there is into `replay`, if there is one. What is damaged is passed, and told in
  // `complaints`, one sentence each with its place. Fails when another process has the folder.
  [[nodiscard]] static Expected<std::unique_ptr<Journal>> open(
      storage::FileSystem& files, const std::string& directory, JournalOptions options,
      Replay* replay, std::vector<std::string>& complaints);

  // All of one batch and user, numbered (request_numbers.h). Durable on return; on an
  // error they do not count.
  [[nodiscard]] Expected<void> accept(std::span<const Request> requests, std::uint64_t unix_us);
  // These three are kept in memory, in order, until a sync() or accept() of anybody has written
  // them. `shown` is what to_listed_json() made of the path.
  void end(const ReversePath& path, std::string_view shown, std::uint64_t unix_us);
  // `rows` of a table of the archive, each with a line end. REQUIRES: at most kMaxJournalText
  // bytes.
  void measured(std::string_view table, std::string_view rows, std::uint64_t count,
                std::uint64_t unix_us);
  void cancel(std::uint64_t batch, std::uint64_t unix_us);
  // Makes durable what was kept before. On an error it stays kept. When the last write failed and
  // nothing is kept, tries whether the disk takes something again.
  [[nodiscard]] Expected<void> sync();
  // The ends that have become durable since the last call, in the order of end().
  [[nodiscard]] std::vector<EndedRecord> take_written();

  // Reads ends again; one by one in order, as end() was given them or why not.
  [[nodiscard]] std::vector<Expected<std::string>> read(
      std::span<const storage::RecordPlace> places) const;

  // Nothing of these batches is needed any more: segments that hold nothing else are removed.
  [[nodiscard]] Expected<void> forget(std::span<const std::uint64_t> batches);
  // What stands at this position and behind is needed, whatever is forgotten.
  void keep_from(std::uint64_t position);
  // The batches that keep the oldest segment from being removed; none when there is only one.
  [[nodiscard]] Expected<std::vector<std::uint64_t>> oldest() const;
  [[nodiscard]] Expected<std::uint64_t> bytes() const;

  // Why the last write failed, one sentence; empty: it did not.
  [[nodiscard]] std::string why_not_writable() const;
  // Position behind the last record that is durable and known to be: one may have to wait for the
  // next.
  [[nodiscard]] std::uint64_t readable_end() const;
  // What waits for the write after the one under way.
  struct Waiting {
    std::size_t records = 0;
    std::size_t ends = 0;  // of these
    std::size_t bytes = 0;
  };
  [[nodiscard]] Waiting waiting() const;

 private:
  struct Waiter {
    bool is_done = false;
    Expected<void> outcome;
  };
  struct Kept {
    JournalHead head;
    std::uint64_t runtime_us = 0;
    std::vector<std::byte> bytes;  // none: somebody waits for all before
    Waiter* waiter = nullptr;      // none: kept until it is written
    storage::RecordPlace place;    // once it is appended
    std::uint64_t position = 0;
  };

  Journal(storage::FileSystem& files, std::string directory, JournalOptions options)
      : files_(files), directory_(std::move(directory)), options_(std::move(options)) {}

  Expected<void> replay_all(Replay& replay, std::vector<std::string>& complaints);
  void replay_record(const storage::LogRecord& record, const storage::RecordPlace& place,
                     Replay& replay, std::vector<std::string>& complaints);
  void keep(JournalHead head, std::uint64_t runtime_us, std::string_view text);
  Expected<void> wait_for(Kept kept, std::unique_lock<std::mutex>& lock);
  void write(std::unique_lock<std::mutex>& lock);
  void settle(std::vector<Kept>& written, const Expected<void>& outcome);
  void report(const Expected<void>& outcome);
  void remember(std::uint64_t batch, std::uint64_t position);
  void drop_forgotten_starts();

  storage::FileSystem& files_;
  const std::string directory_;
  const JournalOptions options_;
  std::unique_ptr<storage::LogWriter> log_;  // of who is writing

  mutable std::mutex mutex_;  // of all below
  std::condition_variable has_settled_;
  bool is_writing_ = false;
  std::vector<Kept> kept_;
  std::vector<EndedRecord> written_;
  std::string fault_;  // of the last write
  struct Start {
    std::uint64_t position = 0;  // of the record that accepted it
    std::uint64_t batch = 0;
  };
  std::deque<Start> starts_;  // in the order of the log; forgotten ones linger
  std::unordered_set<std::uint64_t> kept_batches_;  // not forgotten
  std::uint64_t keep_from_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace backsight::controller
