// The thread that writes records into the journal and syncs it in groups. What ends is shown once
// it is durable; what was measured before it is so, too. Thread: any, but finish() and the
// destructor are the owner's.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "controller/annotation/annotation.h"
#include "controller/archive/bundler.h"
#include "controller/archive/record_queue.h"
#include "controller/archive/schema.h"
#include "controller/journal/journal.h"

namespace backsight::controller {

class ArchiveWriter {
 public:
  struct Settings {
    std::chrono::milliseconds sync_interval{100};
    std::chrono::milliseconds retry_interval{1000};
    std::uint64_t max_kept_bytes = 0;  // of rows in memory; more records stay in the queue
    BundleLimits bundles;
    std::function<std::uint64_t()> unix_us;
    std::function<void(std::span<const EndedRecord>)> show;
  };

  // Tells the bundler when bundles are due. All it is given outlives it.
  ArchiveWriter(Journal& journal, RecordQueue& queue, Bundler& bundler,
                const Annotation& annotation, Settings settings);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  // Records that are durable, counted in the order of the queue.
  [[nodiscard]] std::uint64_t synced() const noexcept { return synced_.load(); }
  [[nodiscard]] bool wait_until_synced(std::uint64_t number, std::chrono::milliseconds patience);

  // Writes what is in the queue, which is closed, and has all of it bundled. Gives up after a few
  // failures.
  void finish();

  // Rows are written with it from now on.
  void set_annotation(Annotation annotation) { annotation_.set(std::move(annotation)); }

  [[nodiscard]] std::array<std::uint64_t, kDatatypes> rows() const;

 private:
  using Clock = std::chrono::steady_clock;
  // Rows of a table that are not in the journal yet.
  struct Group {
    std::string rows;
    std::uint64_t count = 0;
  };

  void run();
  void wait_for_work();
  void take_records();
  void take(const ReversePath& path, const Annotation& annotation);
  template <typename Record>
  void take(const Record& record, const Annotation& annotation);
  // Gives them to the journal.
  void hand_over_rows();
  void sync_if_due();
  void sync();
  void bundle_if_due();
  [[nodiscard]] bool is_sync_due() const;
  [[nodiscard]] bool is_over();

  Journal& journal_;
  RecordQueue& queue_;
  Bundler& bundler_;
  CurrentAnnotation annotation_;
  const Settings settings_;

  // The thread's own.
  std::array<Group, kDatatypes> groups_;
  bool is_urgent_ = false;             // a reverse traceroute is among those that are not durable
  std::uint64_t taken_ = 0;            // records
  std::uint64_t kept_bytes_ = 0;       // of those that are not durable
  Clock::time_point dirty_since_;      // the first of them was taken
  std::uint64_t begun_unix_us_ = 0;    // the first that is not given to the bundler; 0: none
  std::uint64_t unbundled_bytes_ = 0;  // of these
  bool is_failing_ = false;
  int failures_at_end_ = 0;

  std::atomic<std::uint64_t> synced_{0};        // written by the thread
  std::atomic<std::uint64_t> flush_wanted_{0};  // written by those who wait
  std::array<std::atomic<std::uint64_t>, kDatatypes> rows_{};
  mutable std::mutex mutex_;  // of progress_
  std::condition_variable progress_;
  std::thread thread_;
};

}  // namespace backsight::controller
