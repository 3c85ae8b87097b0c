// The real file system, which refuses to write when it is told to, and counts and holds syncs.
// Thread: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "queue/log/file_system.h"

namespace backsight::controller {

class StubbornDisk final : public queue::FileSystem {
 public:
  void refuse(std::string why) {
    const std::lock_guard lock(mutex_);
    why_ = std::move(why);
  }
  void obey() { refuse(""); }
  [[nodiscard]] std::uint64_t syncs() const {
    const std::lock_guard lock(mutex_);
    return syncs_;
  }
  // From now on a sync does not return.
  void hold_syncs() {
    const std::lock_guard lock(mutex_);
    is_holding_ = true;
  }
  void wait_for_held_sync() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_ > 0; });
  }
  void release_syncs() {
    const std::lock_guard lock(mutex_);
    is_holding_ = false;
    changed_.notify_all();
  }

  Expected<std::unique_ptr<queue::File>> open_to_read(const std::string& path) override {
    return real_.open_to_read(path);
  }
  Expected<std::unique_ptr<queue::File>> open_to_write(const std::string& path) override {
    auto file = real_.open_to_write(path);
    if (!file) return file;
    return std::make_unique<StubbornFile>(*this, std::move(*file));
  }
  Expected<std::vector<std::string>> list(const std::string& directory) override {
    return real_.list(directory);
  }
  Expected<void> make_directories(const std::string& directory) override {
    return real_.make_directories(directory);
  }
  Expected<void> remove(const std::string& path) override { return real_.remove(path); }
  Expected<void> rename(const std::string& from, const std::string& to) override {
    return real_.rename(from, to);
  }
  Expected<void> sync_directory(const std::string& directory) override {
    return real_.sync_directory(directory);
  }
  Expected<queue::LockAttempt> lock(const std::string& path) override { return real_.lock(path); }
  Expected<bool> is_locked(const std::string& path) override { return real_.is_locked(path); }

 private:
  class StubbornFile final : public queue::File {
   public:
    StubbornFile(StubbornDisk& disk, std::unique_ptr<queue::File> real)
        : disk_(disk), real_(std::move(real)) {}
    Expected<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> bytes) override {
      return real_->read_at(offset, bytes);
    }
    Expected<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
      if (auto may = disk_.may_write(); !may) return may;
      return real_->write_at(offset, bytes);
    }
    Expected<void> truncate(std::uint64_t size) override { return real_->truncate(size); }
    Expected<std::uint64_t> size() override { return real_->size(); }
    Expected<void> sync() override {
      disk_.on_sync();
      return real_->sync();
    }

   private:
    StubbornDisk& disk_;
    std::unique_ptr<queue::File> real_;
  };

  Expected<void> may_write() const {
    const std::lock_guard lock(mutex_);
    if (why_.empty()) return {};
    return run_failed("cannot write: " + why_);
  }
  void on_sync() {
    std::unique_lock lock(mutex_);
    ++syncs_;
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_holding_; });
    --held_;
  }

  queue::FileSystem& real_ = queue::posix_file_system();
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string why_;
  std::uint64_t syncs_ = 0;
  int held_ = 0;
  bool is_holding_ = false;
};

}  // namespace backsight::controller
