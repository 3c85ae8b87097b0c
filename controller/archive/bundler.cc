#include "controller/archive/bundler.h"

#include <fmt/format.h>

namespace backsight::controller {

Bundler::Bundler(std::unique_ptr<BundleMaker> maker, Journal& journal, const ArchiveLayout& layout,
                 std::chrono::milliseconds retry_interval, daemon::Teller& tell)
    : maker_(std::move(maker)),
      journal_(journal),
      layout_(layout),
      retry_interval_(retry_interval),
      tell_(tell),
      trouble_(tell, layout.root() + ": bundles are made again"),
      bundled_(maker_->bundled()),
      end_(journal.readable_end()) {
  journal_.keep_from(bundled_);
  thread_ = std::thread([this] { run(); });
}

Bundler::~Bundler() { stop(); }

void Bundler::bundle_all() {
  const std::uint64_t end = journal_.readable_end();
  const std::lock_guard lock(mutex_);
  end_ = end;
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
  figures.waiting = end_ > bundled_ ? end_ - bundled_ : 0;
  return figures;
}

void Bundler::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return bundled_ < end_ || is_stopping_; });
    if (bundled_ >= end_) return;
    const std::uint64_t end = end_;
    lock.unlock();
    const bool is_made = make(end);
    lock.lock();
    if (is_made) {
      bundled_ = maker_->bundled();
    } else if (is_stopping_ ||
               work_.wait_for(lock, retry_interval_, [this] { return is_stopping_; })) {
      return;
    }
  }
}

bool Bundler::make(std::uint64_t end) {
  if (const auto made = maker_->advance(end); !made) {
    trouble_.failed(
        fmt::format("{}; free space on the disk of {} or make it writable; the rows stay "
                    "in {} and are bundled as soon as it works",
                    made.error().sentence, layout_.root(), layout_.journal_directory()));
    return false;
  }
  trouble_.worked();
  journal_.keep_from(maker_->bundled());
  const BundleReport report = maker_->take_report();
  for (const std::string& complaint : report.complaints) tell_(complaint);
  const std::lock_guard lock(mutex_);
  figures_.bundles += report.bundles;
  figures_.bytes += report.packed_bytes;
  figures_.rejected_rows += report.rejected;
  return true;
}

}  // namespace backsight::controller
