// Every request that can still be asked for: what is under way, what has ended and how, by batch
// and by label, as the journal has it. What accept() has acknowledged and what was once shown
// survives the death of the process.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "config/error.h"
#include "controller/journal/batch_table.h"
#include "controller/journal/id_source.h"
#include "controller/journal/journal.h"
#include "controller/request.h"
#include "controller/service.h"

namespace backsight::controller {

struct BookOptions {
  std::chrono::seconds keep = std::chrono::hours(24);  // batches, from their last end on
  std::uint64_t keep_bytes = std::uint64_t{10} << 30;  // of the journal; beyond, the oldest go
  std::chrono::seconds forget_every{10};
  JournalOptions journal;
  std::function<std::uint64_t()> now_us;  // unix time; called by any thread
};

// Upper bounds of the classes of run times, in us; the last class has none.
inline constexpr std::array<std::uint64_t, 10> kRuntimeBoundsUs = {
    100'000,   250'000,    500'000,    1'000'000,  2'500'000,
    5'000'000, 10'000'000, 20'000'000, 30'000'000, 60'000'000};

// Since the start, and now.
struct BookHealth {
  std::string why_not_writable;  // one sentence; empty: it is
  std::uint64_t accepted = 0;    // requests
  std::uint64_t refused = 0;     // requests that the disk refused
  std::uint64_t ended = 0;       // requests, and what stood in for some
  std::array<std::uint64_t, kRuntimeBoundsUs.size() + 1> runtimes{};  // of these, by class
  std::uint64_t runtime_us = 0;                                       // their sum
  std::uint64_t under_way = 0;  // requests accepted and not ended
  std::uint64_t batches = 0;    // that can be asked for
  std::uint64_t unwritten = 0;  // ends that wait for the disk
  std::uint64_t bytes = 0;      // on the disk
};

// Where its files are.
struct BookFolders {
  std::string journal;
  std::string numbers;  // up to which number requests may have been given one
};

// Thread: any.
class RequestBook {
 public:
  struct Opened {
    std::unique_ptr<RequestBook> book;
    std::vector<Request> unfinished;       // to be run again
    std::vector<std::uint64_t> cancelled;  // of these, by number: to be ended as that
    std::vector<std::string> complaints;   // what could not be read, one sentence each
  };
  // Refuses a folder of numbers that holds the log of an earlier version.
  [[nodiscard]] static Expected<Opened> open(storage::FileSystem& files, const BookFolders& folders,
                                             BookOptions options);
  ~RequestBook();
  RequestBook(const RequestBook&) = delete;
  RequestBook& operator=(const RequestBook&) = delete;

  // Of all that is accepted here; who measures writes what comes of it there.
  [[nodiscard]] Journal& journal() noexcept { return *journal_; }

  // All of one user. Gives them their numbers (request_numbers.h); durable on return. On an error
  // none counts. REQUIRES: at least one. Returns the batch.
  [[nodiscard]] Expected<std::uint64_t> accept(std::vector<Request>& requests);
  // A measurement has begun in the stead of a request that failed, beside it: its end is one more
  // of the batch. It is not begun again after a restart. False: no such batch, or it is known.
  bool expect_one_more(std::uint64_t batch, std::uint64_t id);
  // These ends are on the disk. One that was shown before, or that is of no request or stand-in of
  // its batch, is passed.
  void show(std::span<const EndedRecord> ended);
  // Remembered across a restart. False: no such batch, or all of it has ended. An error: it is
  // cancelled, and remembered once the disk takes it.
  Expected<bool> cancel(std::uint64_t batch);
  [[nodiscard]] bool is_cancelled(std::uint64_t batch) const;

  // Numbers of the batch that have not ended.
  [[nodiscard]] std::vector<std::uint64_t> open_of(std::uint64_t batch) const;
  [[nodiscard]] std::uint64_t under_way() const;

  // As in Service.
  [[nodiscard]] std::optional<BatchProgress> progress(std::uint64_t batch, std::size_t first) const;
  [[nodiscard]] std::optional<BatchProgress> wait_for_more(
      std::uint64_t batch, std::size_t first, std::chrono::milliseconds patience) const;
  [[nodiscard]] std::vector<EndedPath> with_label(const std::string& user, const std::string& label,
                                                  std::size_t most) const;
  [[nodiscard]] Service::Usage usage(const std::string& user) const;

  // From now on nobody waits for more: for the end of the process.
  void stop_waiting();
  // Forgets what is too old or too much; done every `forget_every`, too.
  void forget();
  [[nodiscard]] BookHealth health() const;

 private:
  // Those who wait for one batch.
  struct Waiting {
    std::condition_variable more;
    int waiters = 0;
  };

  explicit RequestBook(BookOptions options) : options_(std::move(options)) {}

  void start();
  void run();
  // Of pairs. Tells when it begins to fail, and when it works again.
  [[nodiscard]] Expected<std::uint64_t> take_numbers(std::uint64_t count);
  void try_numbers_again();
  [[nodiscard]] std::optional<BatchProgress> look(std::uint64_t batch, std::size_t first) const;
  [[nodiscard]] std::vector<EndedPath> read(const std::vector<BatchTable::Labelled>& ends) const;

  const BookOptions options_;
  std::unique_ptr<Journal> journal_;

  mutable std::mutex ids_mutex_;  // of these two
  std::optional<IdSource> ids_;
  std::string ids_fault_;  // of the last time

  mutable std::mutex mutex_;  // of all below
  BatchTable table_;
  mutable std::unordered_map<std::uint64_t, std::shared_ptr<Waiting>> waiting_;  // by batch
  BookHealth counts_;  // what is counted of it
  bool is_stopping_ = false;
  bool is_waiting_over_ = false;
  std::condition_variable stops_;
  std::thread thread_;  // forgets what is old
};

}  // namespace backsight::controller
