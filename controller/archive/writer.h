// The thread that writes records to the spool and syncs it in groups.
// Thread: any, but finish() and the destructor are the owner's.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "controller/annotation/annotation.h"
#include "controller/archive/bundler.h"
#include "controller/archive/record_queue.h"
#include "controller/archive/schema.h"
#include "controller/archive/store.h"
#include "daemon/trouble.h"

namespace backsight::controller {

class ArchiveWriter {
 public:
  struct Settings {
    std::chrono::milliseconds sync_interval{100};
    std::chrono::milliseconds retry_interval{1000};
    std::uint64_t max_pending_bytes = 0;  // of rows in memory; more records stay in the queue
    bool waits_for_release = false;       // see ArchiveOptions
    std::function<std::uint64_t()> unix_us;
  };

  // Gives closed spools to the bundler. All it is given outlives it.
  ArchiveWriter(std::unique_ptr<ArchiveStore> store, RecordQueue& queue, Bundler& bundler,
                const Annotation& annotation, Settings settings, const std::string& directory,
                daemon::Teller& tell);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  // Records that are durable, counted in the order of the queue.
  [[nodiscard]] std::uint64_t synced() const noexcept { return synced_.load(); }
  [[nodiscard]] bool wait_until_synced(std::uint64_t number, std::chrono::milliseconds patience);

  // The reverse traceroutes among the records up to this number may be bundled.
  void release(std::uint64_t number);

  // Writes what is in the queue, which is closed, and closes all spools. Gives up after a few
  // failures.
  void finish();

  // Rows are written with it from now on.
  void set_annotation(Annotation annotation) { annotation_.set(std::move(annotation)); }

  [[nodiscard]] std::array<std::uint64_t, kDatatypes> rows() const;
  [[nodiscard]] std::string trouble() const { return trouble_.sentence(); }
  [[nodiscard]] const ArchiveStore& store() const noexcept { return *store_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Row {
    Datatype datatype = Datatype::kRevtr;
    std::string raw;
  };

  void run();
  void wait_for_work();
  // False: the disk does not take them.
  bool take_records();
  bool take(Row row);
  void sync_if_due();
  bool sync();
  void failed(const Error& error);
  void bundle_closed();
  [[nodiscard]] bool is_sync_due() const;
  [[nodiscard]] bool is_over();

  std::unique_ptr<ArchiveStore> store_;
  RecordQueue& queue_;
  Bundler& bundler_;
  CurrentAnnotation annotation_;
  const Settings settings_;
  const std::string directory_;
  daemon::Trouble trouble_;

  // A spool that gets no more rows, and the last record that can stand in it.
  struct Closed {
    BundleName name;
    std::uint64_t last = 0;
  };

  // The thread's own.
  std::deque<Closed> closed_;      // that wait for their release
  std::optional<Row> stuck_;       // that the store could not take
  bool is_urgent_ = false;         // a reverse traceroute is among those that are not durable
  std::uint64_t taken_ = 0;        // records that the store has
  Clock::time_point dirty_since_;  // the first of them that is not durable was taken
  bool is_failing_ = false;
  int failures_at_end_ = 0;

  std::atomic<std::uint64_t> synced_{0};        // written by the thread
  std::atomic<std::uint64_t> flush_wanted_{0};  // written by those who wait
  std::atomic<std::uint64_t> released_{0};      // records, and one more
  std::array<std::atomic<std::uint64_t>, kDatatypes> rows_{};
  mutable std::mutex mutex_;  // of progress_
  std::condition_variable progress_;
  std::thread thread_;
};

}  // namespace backsight::controller
