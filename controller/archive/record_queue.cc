#include "controller/archive/record_queue.h"

namespace backsight::controller {

namespace {

std::uint64_t heap_bytes(const ReversePath& path) {
  return path.hops.size() * sizeof(ReverseHop) + path.label.size() + path.uuid.size();
}
std::uint64_t heap_bytes(const PingRecord& record) {
  return record.route.size() * sizeof(probes::Ipv4Addr);
}
std::uint64_t heap_bytes(const TraceRecord& record) {
  return record.hops.size() * sizeof(tasks::Hop);
}
std::uint64_t heap_bytes(const RankedSpoofersRecord& record) {
  return record.spoofers.size() * sizeof(RankedSpoofersRecord::Spoofer);
}

std::uint64_t bytes_of(const ArchiveRecord& record) {
  return sizeof record + std::visit([](const auto& one) { return heap_bytes(one); }, record);
}

}  // namespace

std::uint64_t RecordQueue::push(ArchiveRecord record) {
  const std::uint64_t bytes = bytes_of(record);
  const std::lock_guard lock(mutex_);
  if (is_closed_) return 0;
  waiting_.push_back({std::move(record), bytes});
  bytes_ += bytes;
  if (waiting_.size() == 1) work_.notify_one();
  return ++pushed_;
}

std::optional<ArchiveRecord> RecordQueue::try_pop() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  ArchiveRecord record = std::move(waiting_.front().record);
  const bool was_full = bytes_ >= max_bytes_;
  bytes_ -= waiting_.front().bytes;
  waiting_.pop_front();
  if (was_full && bytes_ < max_bytes_) room_.notify_all();
  return record;
}

void RecordQueue::wait(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  work_.wait_for(lock, patience, [&] { return !waiting_.empty() || is_woken_; });
  is_woken_ = false;
}

void RecordQueue::wait_for_wake(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  work_.wait_for(lock, patience, [&] { return is_woken_; });
  is_woken_ = false;
}

void RecordQueue::wake() {
  const std::lock_guard lock(mutex_);
  is_woken_ = true;
  work_.notify_one();
}

void RecordQueue::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  is_woken_ = true;
  work_.notify_one();
  room_.notify_all();
}

bool RecordQueue::is_closed() const {
  const std::lock_guard lock(mutex_);
  return is_closed_;
}

bool RecordQueue::has_room() const {
  const std::lock_guard lock(mutex_);
  return bytes_ < max_bytes_;
}

void RecordQueue::wait_for_room() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return bytes_ < max_bytes_ || is_closed_; });
}

std::uint64_t RecordQueue::pushed() const {
  const std::lock_guard lock(mutex_);
  return pushed_;
}

std::uint64_t RecordQueue::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace backsight::controller
