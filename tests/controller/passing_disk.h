// The real file system, behind which tests stand: all calls pass, but those that a test overrides.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/file_system.h"

namespace backsight::controller {

class PassingFile : public storage::File {
 public:
  explicit PassingFile(std::unique_ptr<storage::File> real) : real_(std::move(real)) {}

  Expected<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> bytes) override {
    return real_->read_at(offset, bytes);
  }
  Expected<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return real_->write_at(offset, bytes);
  }
  Expected<void> truncate(std::uint64_t size) override { return real_->truncate(size); }
  Expected<std::uint64_t> size() override { return real_->size(); }
  Expected<void> sync() override { return real_->sync(); }

 private:
  std::unique_ptr<storage::File> real_;
};

class PassingDisk : public storage::FileSystem {
 public:
  Expected<std::unique_ptr<storage::File>> open_to_read(const std::string& path) override {
    return real_.open_to_read(path);
  }
  Expected<std::unique_ptr<storage::File>> open_to_write(const std::string& path) override {
    auto file = real_.open_to_write(path);
    if (!file) return file;
    return stand_before(std::move(*file));
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
  Expected<storage::LockAttempt> lock(const std::string& path) override { return real_.lock(path); }
  Expected<bool> is_locked(const std::string& path) override { return real_.is_locked(path); }

 protected:
  // What a file opened to be written is seen as.
  virtual std::unique_ptr<storage::File> stand_before(std::unique_ptr<storage::File> file) = 0;

 private:
  storage::FileSystem& real_ = storage::posix_file_system();
};

}  // namespace backsight::controller
