// Which messages of the broker the tasks of the local log came in: a message is acknowledged when
// all its tasks are done, and known again when it comes again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "queue/file/done_set.h"
#include "tasks/codec/codec.h"

namespace backsight::queue::nats {

// Thread: any.
class TaskLedger {
 public:
  // The tasks of positions first..end-1. REQUIRES: behind all that were added before.
  void add(const tasks::TaskOrigin& origin, std::uint64_t first, std::uint64_t end,
           std::string reply);
  // What was added last did not get into the log.
  void take_back();

  // True if the message is here: it is acknowledged through `reply` from now on.
  [[nodiscard]] bool take_redelivery(const tasks::TaskOrigin& origin, const std::string& reply);

  // Looks which messages are done.
  void advance(const DoneSet& done);

  // Reply subjects of messages that are done and were not returned yet.
  [[nodiscard]] std::vector<std::string> take_done();
  // Whether there are any.
  [[nodiscard]] bool has_done() const;
  // Of those that are not.
  [[nodiscard]] std::vector<std::string> undone() const;
  // Whether there are any, met since the start or not.
  [[nodiscard]] bool has_undone() const;

  // The broker has acknowledged up to this number, and made its stream at `created_ns`: messages
  // that are done and never come again. Returns the time of the newest one; 0: none is.
  [[nodiscard]] std::uint64_t forgettable(std::uint64_t acknowledged,
                                          std::uint64_t created_ns) const;
  // Forgets them.
  void forget(std::uint64_t acknowledged, std::uint64_t created_ns);

  // The first position of a message that is here.
  [[nodiscard]] std::uint64_t keep_from() const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    tasks::TaskOrigin origin;
    std::uint64_t end = 0;
    std::uint64_t undone = 0;  // all positions before it are done
    std::string reply;         // empty: not met since the start, or acknowledged
    bool is_done = false;
  };
  using Entries = std::map<std::uint64_t, Entry>;  // by first position

  [[nodiscard]] Entries::const_iterator end_of_forgettable(std::uint64_t acknowledged,
                                                           std::uint64_t created_ns) const;

  mutable std::mutex mutex_;
  Entries entries_;
  std::map<tasks::TaskOrigin, std::uint64_t> by_origin_;
  std::vector<std::uint64_t> open_;  // first positions of entries that are not done
  std::vector<std::uint64_t> done_;  // of those done and not returned
};

}  // namespace backsight::queue::nats
