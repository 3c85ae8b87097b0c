// Ends on their way to who asked: first in the archive and synced there, then in the book, which
// remembers and shows them, then free to be bundled. So what was shown is archived, and whatever
// dies when, an end stands in one of the two or the request is measured again. Thread: one at a
// time.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>

#include "controller/archive/archive.h"
#include "controller/journal/request_book.h"
#include "controller/reverse_path.h"

namespace backsight::controller {

// What an earlier process archived as ended, and could not write into the book, has ended: it is
// taken from what is unfinished.
void settle_recovered(Archive& archive, RequestBook::Opened& opened);

class PathEnds {
 public:
  // Both outlive this. What the book was given as ended before is waited for, too, before anything
  // is released.
  PathEnds(RequestBook& book, Archive& archive);

  // Archives the end. Returns the archive's number of it.
  std::uint64_t add(ReversePath path);
  // Goes on with what has become durable. `last` is the number of the archive's newest record.
  void advance(std::uint64_t last);
  // Some are not shown yet.
  [[nodiscard]] bool is_waiting() const noexcept { return !unshown_.empty(); }
  // Shows and releases what becomes durable within `patience`. The rest was never shown, and is
  // measured by the next process.
  void finish(std::uint64_t last, std::chrono::milliseconds patience);

 private:
  struct Unremembered {
    std::uint64_t record = 0;  // 0: of an earlier process
    std::uint64_t end = 0;     // of the book's
  };

  RequestBook& book_;
  Archive& archive_;
  std::deque<std::pair<std::uint64_t, ReversePath>> unshown_;  // by record
  std::deque<Unremembered> unremembered_;
};

}  // namespace backsight::controller
