#include "controller/archive/writer.h"

#include "controller/archive/layout.h"
#include "controller/archive/rows.h"
#include "controller/json/path_json.h"

namespace backsight::controller {

namespace {

// More of them in memory wait for no timer.
constexpr std::uint64_t kGroupBytes = std::uint64_t{1} << 20;
// How often finish() tries what fails.
constexpr int kTriesAtEnd = 3;
// How often it is looked whether bundles are due, and whether the disk takes something again.
constexpr std::chrono::milliseconds kIdle{1000};

}  // namespace

ArchiveWriter::ArchiveWriter(Journal& journal, RecordQueue& queue, Bundler& bundler,
                             const Annotation& annotation, Settings settings)
    : journal_(journal),
      queue_(queue),
      bundler_(bundler),
      annotation_(annotation),
      settings_(std::move(settings)),
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
  while (!is_over()) {
    wait_for_work();
    take_records();
    sync_if_due();
    bundle_if_due();
  }
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

void ArchiveWriter::take_records() {
  const Annotation annotation = annotation_.get();
  while (kept_bytes_ < settings_.max_kept_bytes) {
    const auto record = queue_.try_pop();
    if (!record) break;
    if (taken_ == synced_.load()) dirty_since_ = Clock::now();
    ++taken_;
    if (begun_unix_us_ == 0) begun_unix_us_ = settings_.unix_us();
    const std::uint64_t before = kept_bytes_;
    std::visit([&](const auto& one) { take(one, annotation); }, *record);
    unbundled_bytes_ += kept_bytes_ - before;
  }
  hand_over_rows();
}

void ArchiveWriter::take(const ReversePath& path, const Annotation& annotation) {
  hand_over_rows();  // so that what it was made of stands before it
  const std::string shown = to_listed_json(path, annotation);
  kept_bytes_ += shown.size();
  journal_.end(path, shown, settings_.unix_us());
  is_urgent_ = true;
  ++rows_[static_cast<std::size_t>(Datatype::kRevtr)];
}

template <typename Record>
void ArchiveWriter::take(const Record& record, const Annotation& annotation) {
  const auto table = static_cast<std::size_t>(datatype_of(record));
  Group& group = groups_[table];
  const std::size_t before = group.rows.size();
  append_raw(group.rows, record, annotation);
  group.rows += '\n';
  ++group.count;
  kept_bytes_ += group.rows.size() - before;
  ++rows_[table];
  if (group.rows.size() >= kGroupBytes) hand_over_rows();
}

void ArchiveWriter::hand_over_rows() {
  for (std::size_t i = 0; i < kDatatypes; ++i) {
    if (groups_[i].count == 0) continue;
    const Group group = std::exchange(groups_[i], {});
    journal_.measured(name(kAllDatatypes[i]), group.rows, group.count, settings_.unix_us());
  }
}

bool ArchiveWriter::is_sync_due() const {
  const std::uint64_t synced = synced_.load();
  if (is_failing_ || queue_.is_closed() || !journal_.why_not_writable().empty()) return true;
  if (taken_ == synced) return false;
  return is_urgent_ || kept_bytes_ >= kGroupBytes || flush_wanted_.load() > synced ||
         Clock::now() >= dirty_since_ + settings_.sync_interval;
}

void ArchiveWriter::sync_if_due() {
  if (is_sync_due()) sync();
}

void ArchiveWriter::sync() {
  is_failing_ = !journal_.sync();
  settings_.show(journal_.take_written());
  if (is_failing_) return;
  is_urgent_ = false;
  kept_bytes_ = 0;
  const std::lock_guard lock(mutex_);
  synced_.store(taken_);
  progress_.notify_all();
}

void ArchiveWriter::bundle_if_due() {
  if (begun_unix_us_ == 0 || taken_ != synced_.load()) return;
  const std::uint64_t now = settings_.unix_us();
  const BundleLimits& limits = settings_.bundles;
  const bool is_due = unbundled_bytes_ >= limits.bytes || now >= begun_unix_us_ + limits.age_us ||
                      day_of(now) != day_of(begun_unix_us_);
  if (!is_due) return;
  bundler_.bundle_all();
  begun_unix_us_ = 0;
  unbundled_bytes_ = 0;
}

// Once the queue is closed: when all is written, or cannot be.
bool ArchiveWriter::is_over() {
  if (!queue_.is_closed()) return false;
  if (is_failing_) return ++failures_at_end_ > kTriesAtEnd;
  if (taken_ != queue_.pushed() || taken_ != synced_.load()) return false;
  bundler_.bundle_all();
  return true;
}

}  // namespace backsight::controller
