#include "controller/archive/bundler.h"

namespace backsight::controller {

Bundler::Bundler(storage::FileSystem& files, const ArchiveLayout& layout,
                 std::chrono::milliseconds retry_interval, daemon::Teller& tell)
    : files_(files),
      layout_(layout),
      retry_interval_(retry_interval),
      tell_(tell),
      trouble_(tell, layout.root() + ": bundles are made again"),
      thread_([this] { run(); }) {}

Bundler::~Bundler() { stop(); }

void Bundler::add(const std::vector<BundleName>& closed) {
  if (closed.empty()) return;
  const std::lock_guard lock(mutex_);
  waiting_.insert(waiting_.end(), closed.begin(), closed.end());
  work_.notify_one();
}

void Bundler::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    work_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

Bundler::Figures Bundler::figures() const {
  const std::lock_guard lock(mutex_);
  Figures figures = figures_;
  figures.waiting = waiting_.size();
  return figures;
}

void Bundler::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return !waiting_.empty() || is_stopping_; });
    if (waiting_.empty()) return;
    const BundleName name = waiting_.front();
    lock.unlock();
    const bool is_made = make(name);
    lock.lock();
    if (is_made) {
      waiting_.pop_front();
    } else if (is_stopping_ ||
               work_.wait_for(lock, retry_interval_, [this] { return is_stopping_; })) {
      return;
    }
  }
}

bool Bundler::make(const BundleName& name) {
  const auto report = make_bundle(files_, layout_, name);
  if (!report) {
    trouble_.failed(
        fmt::format("{}; free space on the disk of {} or make it writable; the rows stay "
                    "in {} and are bundled as soon as it works",
                    report.error().sentence, layout_.root(), layout_.spool_directory()));
    return false;
  }
  trouble_.worked();
  for (const std::string& complaint : report->complaints) tell_(complaint);
  const std::lock_guard lock(mutex_);
  figures_.bundles += report->rows > 0 ? 1 : 0;
  figures_.bytes += report->packed_bytes;
  figures_.rejected_rows += report->rejected;
  return true;
}

}  // namespace backsight::controller
