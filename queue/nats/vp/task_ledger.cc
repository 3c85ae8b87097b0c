#include "queue/nats/vp/task_ledger.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "probes/assert.h"

namespace backsight::queue::nats {

void TaskLedger::add(const tasks::TaskOrigin& origin, std::uint64_t first, std::uint64_t end,
                     std::string reply) {
  const std::lock_guard lock(mutex_);
  BACKSIGHT_ASSERT(first < end && (entries_.empty() || entries_.rbegin()->second.end <= first));
  entries_[first] = {origin, end, first, std::move(reply), false};
  if (origin.sequence != 0) by_origin_[origin] = first;
  open_.push_back(first);
}

void TaskLedger::take_back() {
  const std::lock_guard lock(mutex_);
  const auto last = std::prev(entries_.end());
  by_origin_.erase(last->second.origin);
  std::erase(open_, last->first);
  entries_.erase(last);
}

bool TaskLedger::take_redelivery(const tasks::TaskOrigin& origin, const std::string& reply) {
  const std::lock_guard lock(mutex_);
  const auto found = by_origin_.find(origin);
  if (found == by_origin_.end()) return false;
  Entry& entry = entries_.at(found->second);
  entry.reply = reply;
  if (entry.is_done) done_.push_back(found->second);
  return true;
}

void TaskLedger::advance(const DoneSet& done) {
  const std::lock_guard lock(mutex_);
  std::erase_if(open_, [&](std::uint64_t first) {
    Entry& entry = entries_.at(first);
    entry.undone = std::max(entry.undone, std::min(done.low(), entry.end));
    while (entry.undone < entry.end && done.contains(entry.undone)) ++entry.undone;
    entry.is_done = entry.undone == entry.end;
    if (entry.is_done) done_.push_back(first);
    return entry.is_done;
  });
}

std::vector<std::string> TaskLedger::take_done() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> replies;
  for (const std::uint64_t first : std::exchange(done_, {})) {
    const auto found = entries_.find(first);
    if (found == entries_.end() || found->second.reply.empty()) continue;
    replies.push_back(std::exchange(found->second.reply, {}));
  }
  return replies;
}

bool TaskLedger::has_done() const {
  const std::lock_guard lock(mutex_);
  return !done_.empty();
}

std::vector<std::string> TaskLedger::undone() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> replies;
  for (const std::uint64_t first : open_) {
    const std::string& reply = entries_.at(first).reply;
    if (!reply.empty()) replies.push_back(reply);
  }
  return replies;
}

bool TaskLedger::has_undone() const {
  const std::lock_guard lock(mutex_);
  return !open_.empty();
}

TaskLedger::Entries::const_iterator TaskLedger::end_of_forgettable(std::uint64_t acknowledged,
                                                                   std::uint64_t created_ns) const {
  return std::find_if_not(entries_.begin(), entries_.end(), [&](const auto& it) {
    const Entry& entry = it.second;
    return entry.is_done &&
           (entry.origin.sequence <= acknowledged || entry.origin.time_ns < created_ns);
  });
}

std::uint64_t TaskLedger::forgettable(std::uint64_t acknowledged, std::uint64_t created_ns) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t newest = 0;
  const auto end = end_of_forgettable(acknowledged, created_ns);
  for (auto it = entries_.begin(); it != end; ++it) {
    newest = std::max(newest, it->second.origin.time_ns);
  }
  return newest;
}

void TaskLedger::forget(std::uint64_t acknowledged, std::uint64_t created_ns) {
  const std::lock_guard lock(mutex_);
  const auto end = end_of_forgettable(acknowledged, created_ns);
  for (auto it = entries_.cbegin(); it != end; it = entries_.erase(it)) {
    by_origin_.erase(it->second.origin);
  }
}

std::uint64_t TaskLedger::keep_from() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty() ? UINT64_MAX : entries_.begin()->first;
}

std::size_t TaskLedger::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace backsight::queue::nats
