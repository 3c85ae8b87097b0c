// Records between those who append and the thread that writes them: first in, first out. Nobody
// waits in it: it says when it is full, and who appends takes nothing in then of which records
// come. Thread: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <variant>

#include "controller/records.h"
#include "controller/reverse_path.h"

namespace backsight::controller {

using ArchiveRecord = std::variant<ReversePath, PingRecord, TraceRecord, RankedSpoofersRecord>;

class RecordQueue {
 public:
  explicit RecordQueue(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Returns how many were pushed, this one included; 0: closed.
  std::uint64_t push(ArchiveRecord record);
  // Nothing when there is none.
  [[nodiscard]] std::optional<ArchiveRecord> try_pop();
  // Until there is a record, someone calls wake(), or the time is over.
  void wait(std::chrono::milliseconds patience);
  // The same, whether there is a record or not.
  void wait_for_wake(std::chrono::milliseconds patience);
  void wake();
  // Refuses what is pushed from now on; what is in it stays.
  void close();

  [[nodiscard]] bool is_closed() const;
  // It holds fewer bytes than it should.
  [[nodiscard]] bool has_room() const;
  // Until it has room or is closed.
  void wait_for_room();
  [[nodiscard]] std::uint64_t pushed() const;
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  struct Waiting {
    ArchiveRecord record;
    std::uint64_t bytes = 0;
  };

  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable work_;
  std::deque<Waiting> waiting_;
  std::uint64_t bytes_ = 0;
  std::uint64_t pushed_ = 0;
  bool is_closed_ = false;
  bool is_woken_ = false;
};

}  // namespace backsight::controller
