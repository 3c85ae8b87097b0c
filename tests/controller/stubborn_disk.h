// The real file system, which refuses to write when it is told to, and counts and holds syncs.
// Thread: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "passing_disk.h"

namespace backsight::controller {

class StubbornDisk final : public PassingDisk {
 public:
  void refuse(std::string why) {
    const std::lock_guard lock(mutex_);
    why_ = std::move(why);
  }
  void obey() { refuse(""); }
  // Writes that it refused.
  [[nodiscard]] std::uint64_t refusals() const {
    const std::lock_guard lock(mutex_);
    return refusals_;
  }
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

 private:
  class StubbornFile final : public PassingFile {
   public:
    StubbornFile(StubbornDisk& disk, std::unique_ptr<storage::File> real)
        : PassingFile(std::move(real)), disk_(disk) {}
    Expected<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
      if (auto may = disk_.may_write(); !may) return may;
      return PassingFile::write_at(offset, bytes);
    }
    Expected<void> sync() override {
      disk_.on_sync();
      return PassingFile::sync();
    }

   private:
    StubbornDisk& disk_;
  };

  std::unique_ptr<storage::File> stand_before(std::unique_ptr<storage::File> file) override {
    return std::make_unique<StubbornFile>(*this, std::move(file));
  }

  Expected<void> may_write() {
    const std::lock_guard lock(mutex_);
    if (why_.empty()) return {};
    ++refusals_;
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

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string why_;
  std::uint64_t syncs_ = 0;
  std::uint64_t refusals_ = 0;
  int held_ = 0;
  bool is_holding_ = false;
};

}  // namespace backsight::controller
