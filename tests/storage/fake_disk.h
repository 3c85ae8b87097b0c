// A disk in memory that can lose its power, fill up, and stop obeying at a chosen call.
//
// What a power cut leaves of a file: all that was synced, and any part of what was written since,
// in sectors of 512 bytes. Of names: those of synced directories, and any of the later changes.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace backsight::storage {

class FakeDisk final : public FileSystem {
 public:
  using Random = std::mt19937_64;

  explicit FakeDisk(std::uint64_t seed = 1) : random_(seed) {}

  // Calls so far; each may be made the last one that works.
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  // Call number `call` (from 0) and all later ones fail; a write among them is done in part.
  void stop_at(std::uint64_t call) { stop_at_ = call; }
  // Call number `call` alone fails.
  void fail_at(std::uint64_t call) { fail_at_ = call; }
  void obey() {
    stop_at_.reset();
    fail_at_.reset();
    capacity_.reset();
  }
  // Files together hold no more than this.
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  [[nodiscard]] std::uint64_t used() const;

  // The machine loses its power. REQUIRES: nobody holds a file or a lock.
  void cut_power();

  // The bytes of a file, to damage or to look at. REQUIRES: the file is there.
  [[nodiscard]] std::vector<std::byte>& bytes(const std::string& path);
  [[nodiscard]] std::vector<std::string> paths() const;

  Expected<std::unique_ptr<File>> open_to_read(const std::string& path) override;
  Expected<std::unique_ptr<File>> open_to_write(const std::string& path) override;
  Expected<std::vector<std::string>> list(const std::string& directory) override;
  Expected<void> make_directories(const std::string& directory) override;
  Expected<void> remove(const std::string& path) override;
  Expected<void> rename(const std::string& from, const std::string& to) override;
  Expected<void> sync_directory(const std::string& directory) override;
  Expected<LockAttempt> lock(const std::string& path) override;
  Expected<bool> is_locked(const std::string& path) override;

 private:
  friend class FakeFile;
  friend class FakeLock;

  struct Change {  // of a file, since its last sync
    std::uint64_t offset = 0;
    std::vector<std::byte> bytes;
    bool is_truncate = false;
  };
  struct Node {
    std::vector<std::byte> now;
    std::vector<std::byte> durable;
    std::vector<Change> changes;
  };
  struct NameChange {
    std::string path;
    std::shared_ptr<Node> node;  // none: removed
  };

  // Returns false when this call is to fail.
  bool obeys();
  static void apply(const Change& change, std::vector<std::byte>& bytes);
  void cut_power_of(Node& node);
  void set_name(const std::string& path, std::shared_ptr<Node> node);

  std::map<std::string, std::shared_ptr<Node>> names_;
  std::map<std::string, std::shared_ptr<Node>> durable_names_;
  std::vector<NameChange> name_changes_;
  std::set<std::string> locks_;
  std::uint64_t calls_ = 0;
  std::optional<std::uint64_t> stop_at_;
  std::optional<std::uint64_t> fail_at_;
  std::optional<std::uint64_t> capacity_;
  Random random_;
};

}  // namespace backsight::storage
