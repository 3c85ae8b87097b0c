#include "controller/archive/writer.h"

#include <fmt/format.h>

#include <vector>

#include "controller/archive/rows.h"

namespace backsight::controller {

namespace {

// More of them in memory wait for no timer.
constexpr std::uint64_t kGroupBytes = std::uint64_t{1} << 20;
// How often finish() tries what fails.
constexpr int kTriesAtEnd = 3;
// How often spools are looked at that nobody appends to.
constexpr std::chrono::milliseconds kIdle{1000};

}  // namespace

ArchiveWriter::ArchiveWriter(std::unique_ptr<ArchiveStore> store, RecordQueue& queue,
                             Bundler& bundler, const Annotation& annotation, Settings settings,
                             const std::string& directory, daemon::Teller& tell)
    : store_(std::move(store)),
      queue_(queue),
      bundler_(bundler),
      annotation_(annotation),
      settings_(std::move(settings)),
      directory_(directory),
      trouble_(tell, directory + ": rows are written again"),
      thread_([this] { run(); }) {}

ArchiveWriter::~ArchiveWriter() { finish(); }

void ArchiveWriter::finish() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

bool ArchiveWriter::wait_until_synced(std::uint64_t number, std::chrono::milliseconds patience) {
  std::uint64_t wanted = flush_wanted_.load();
  while (wanted < number && !flush_wanted_.compare_exchange_weak(wanted, number)) {
  }
  queue_.wake();
  std::unique_lock lock(mutex_);
  return progress_.wait_for(lock, patience, [&] { return synced_.load() >= number; });
}

std::array<std::uint64_t, kDatatypes> ArchiveWriter::rows() const {
  std::array<std::uint64_t, kDatatypes> rows{};
  for (std::size_t i = 0; i < kDatatypes; ++i) rows[i] = rows_[i].load();
  return rows;
}

void ArchiveWriter::run() {
  bundle_closed();
  while (!is_over()) {
    wait_for_work();
    if (take_records()) sync_if_due();
    bundle_closed();
  }
}

void ArchiveWriter::release(std::uint64_t number) {
  std::uint64_t released = released_.load();
  while (released < number + 1 && !released_.compare_exchange_weak(released, number + 1)) {
  }
}

// What may be bundled goes to the bundler, in the order in which it was closed.
void ArchiveWriter::bundle_closed() {
  for (const BundleName& name : store_->take_closed()) closed_.push_back({name, taken_});
  std::vector<BundleName> ready;
  std::erase_if(closed_, [&](const Closed& it) {
    const bool waits = settings_.waits_for_release && it.name.datatype == Datatype::kRevtr &&
                       released_.load() <= it.last;
    if (!waits) ready.push_back(it.name);
    return !waits;
  });
  bundler_.add(ready);
}

void ArchiveWriter::wait_for_work() {
  if (is_failing_) {
    queue_.wait_for_wake(settings_.retry_interval);
    return;
  }
  if (taken_ == synced_.load()) {
    queue_.wait(kIdle);
    return;
  }
  const auto left = dirty_since_ + settings_.sync_interval - Clock::now();
  queue_.wait(
      std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(left)));
}

bool ArchiveWriter::take_records() {
  if (stuck_ && !take(*std::exchange(stuck_, std::nullopt))) return false;
  const Annotation annotation = annotation_.get();
  while (store_->pending_bytes() < settings_.max_pending_bytes) {
    auto record = queue_.try_pop();
    if (!record) break;
    Row row;
    std::visit(
        [&](const auto& one) {
          row.datatype = datatype_of(one);
          append_raw(row.raw, one, annotation);
        },
        *record);
    if (!take(std::move(row))) return false;
  }
  return true;
}

bool ArchiveWriter::take(Row row) {
  if (auto appended = store_->append(row.datatype, row.raw, settings_.unix_us()); !appended) {
    stuck_ = std::move(row);
    failed(appended.error());
    return false;
  }
  if (taken_ == synced_.load()) dirty_since_ = Clock::now();
  ++taken_;
  is_urgent_ = is_urgent_ || row.datatype == Datatype::kRevtr;
  ++rows_[static_cast<std::size_t>(row.datatype)];
  return true;
}

bool ArchiveWriter::is_sync_due() const {
  const std::uint64_t synced = synced_.load();
  if (is_failing_ || queue_.is_closed()) return true;
  if (taken_ == synced) return false;
  return is_urgent_ || store_->pending_bytes() >= kGroupBytes || flush_wanted_.load() > synced ||
         Clock::now() >= dirty_since_ + settings_.sync_interval;
}

void ArchiveWriter::sync_if_due() {
  const bool is_rotated = store_->rotate(settings_.unix_us());
  if (is_rotated || is_sync_due()) sync();
}

bool ArchiveWriter::sync() {
  if (auto synced = store_->sync(); !synced) {
    failed(synced.error());
    return false;
  }
  is_failing_ = false;
  is_urgent_ = false;
  trouble_.worked();
  const std::lock_guard lock(mutex_);
  synced_.store(taken_);
  progress_.notify_all();
  return true;
}

void ArchiveWriter::failed(const Error& error) {
  is_failing_ = true;
  trouble_.failed(
      fmt::format("{}; free space on the disk of {} or make it writable; records wait "
                  "in memory, and are written as soon as it works",
                  error.sentence, directory_));
}

// Once the queue is closed: when all is written, or cannot be.
bool ArchiveWriter::is_over() {
  if (!queue_.is_closed()) return false;
  if (is_failing_) return ++failures_at_end_ > kTriesAtEnd;
  if (taken_ != queue_.pushed() || stuck_) return false;
  store_->rotate(settings_.unix_us(), true);
  if (!sync()) return false;
  bundle_closed();
  return true;
}

}  // namespace backsight::controller
