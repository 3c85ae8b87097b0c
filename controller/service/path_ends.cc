#include "controller/service/path_ends.h"

#include <algorithm>
#include <unordered_set>

namespace backsight::controller {

void settle_recovered(Archive& archive, RequestBook::Opened& opened) {
  std::unordered_set<std::uint64_t> settled;
  for (ReversePath& path : archive.take_recovered()) {
    const std::uint64_t id = path.id;
    if (opened.book->end(std::move(path))) settled.insert(id);
  }
  std::erase_if(opened.unfinished, [&](const Request& it) { return settled.contains(it.id); });
}

PathEnds::PathEnds(RequestBook& book, Archive& archive) : book_(book), archive_(archive) {
  unremembered_.push_back({0, book_.ends()});
}

std::uint64_t PathEnds::add(ReversePath path) {
  const std::uint64_t record = archive_.append(path);
  unshown_.emplace_back(record, std::move(path));
  return record;
}

void PathEnds::advance(std::uint64_t last) {
  const std::uint64_t synced = archive_.synced();
  while (!unshown_.empty() && unshown_.front().first <= synced) {
    const std::uint64_t record = unshown_.front().first;
    book_.end(std::move(unshown_.front().second));
    unremembered_.push_back({record, book_.ends()});
    unshown_.pop_front();
  }
  const std::uint64_t remembered = book_.remembered_ends();
  while (!unremembered_.empty() && unremembered_.front().end <= remembered) {
    unremembered_.pop_front();
  }
  if (!unshown_.empty()) last = unshown_.front().first - 1;
  if (!unremembered_.empty()) {
    if (unremembered_.front().record == 0) return;
    last = unremembered_.front().record - 1;
  }
  archive_.release(last);
}

void PathEnds::finish(std::uint64_t last, std::chrono::milliseconds patience) {
  (void)archive_.wait_until_synced(last, patience);
  advance(last);
  book_.flush();
  advance(last);
}

}  // namespace backsight::controller
