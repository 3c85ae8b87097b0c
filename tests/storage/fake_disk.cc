#include "fake_disk.h"

#include <algorithm>

namespace backsight::storage {

namespace {

constexpr std::size_t kSector = 512;

tl::unexpected<Error> stopped(const std::string& path) {
  return run_failed(path + ": cannot be reached: the disk obeys no more");
}

std::string parent_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

}  // namespace

class FakeFile final : public File {
 public:
  FakeFile(FakeDisk& disk, std::string path, std::shared_ptr<FakeDisk::Node> node)
      : disk_(disk), path_(std::move(path)), node_(std::move(node)) {}

  Expected<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> bytes) override {
    if (!disk_.obeys()) return stopped(path_);
    if (offset >= node_->now.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(bytes.size(), node_->now.size() - offset);
    std::copy_n(node_->now.begin() + static_cast<std::ptrdiff_t>(offset), count, bytes.begin());
    return count;
  }

  Expected<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    if (!disk_.obeys()) {
      // A part is done by the call that is the first to fail.
      const bool is_first =
          disk_.calls_ - 1 == disk_.stop_at_ || disk_.calls_ - 1 == disk_.fail_at_;
      if (is_first) change({offset, part_of(bytes), false});
      return stopped(path_);
    }
    const std::uint64_t end = offset + bytes.size();
    const std::uint64_t grown = end > node_->now.size() ? end - node_->now.size() : 0;
    if (disk_.capacity_ && grown > 0 && disk_.used() + grown > *disk_.capacity_) {
      change({offset, part_of(bytes), false});
      return run_failed(path_ + ": cannot write: No space left on device");
    }
    change({offset, {bytes.begin(), bytes.end()}, false});
    return {};
  }

  Expected<void> truncate(std::uint64_t size) override {
    if (!disk_.obeys()) return stopped(path_);
    change({size, {}, true});
    return {};
  }

  Expected<std::uint64_t> size() override {
    if (!disk_.obeys()) return stopped(path_);
    return node_->now.size();
  }

  Expected<void> sync() override {
    if (!disk_.obeys()) return stopped(path_);
    node_->durable = node_->now;
    node_->changes.clear();
    return {};
  }

 private:
  std::vector<std::byte> part_of(std::span<const std::byte> bytes) {
    const auto part = bytes.first(disk_.random_() % (bytes.size() + 1));
    return {part.begin(), part.end()};
  }
  void change(FakeDisk::Change change) {
    FakeDisk::apply(change, node_->now);
    node_->changes.push_back(std::move(change));
  }

  FakeDisk& disk_;
  std::string path_;
  std::shared_ptr<FakeDisk::Node> node_;
};

class FakeLock final : public Lock {
 public:
  FakeLock(FakeDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  ~FakeLock() override { disk_.locks_.erase(path_); }

 private:
  FakeDisk& disk_;
  std::string path_;
};

bool FakeDisk::obeys() {
  const std::uint64_t call = calls_++;
  return !(stop_at_ && call >= *stop_at_) && call != fail_at_;
}

std::uint64_t FakeDisk::used() const {
  std::uint64_t bytes = 0;
  for (const auto& [path, node] : names_) bytes += node->now.size();
  return bytes;
}

void FakeDisk::apply(const Change& change, std::vector<std::byte>& bytes) {
  if (change.is_truncate) {
    bytes.resize(change.offset);
    return;
  }
  bytes.resize(std::max<std::size_t>(bytes.size(), change.offset + change.bytes.size()));
  std::copy(change.bytes.begin(), change.bytes.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void FakeDisk::cut_power_of(Node& node) {
  const std::uint64_t chance = random_() % 5;  // of 4 that a sector was written
  std::vector<std::byte> left = node.durable;
  for (const Change& change : node.changes) {
    if (change.is_truncate) {
      if (random_() % 4 < chance) apply(change, left);
      continue;
    }
    for (std::size_t at = 0; at < change.bytes.size();) {
      const std::size_t place = change.offset + at;
      const std::size_t count = std::min(kSector - place % kSector, change.bytes.size() - at);
      if (random_() % 4 < chance) {
        const auto from = change.bytes.begin() + static_cast<std::ptrdiff_t>(at);
        apply({place, {from, from + static_cast<std::ptrdiff_t>(count)}, false}, left);
      }
      at += count;
    }
  }
  node.now = left;
  node.durable = std::move(left);
  node.changes.clear();
}

void FakeDisk::cut_power() {
  obey();
  auto names = durable_names_;
  for (const NameChange& change : name_changes_) {
    if (random_() % 2 == 0) continue;
    if (change.node != nullptr) {
      names[change.path] = change.node;
    } else {
      names.erase(change.path);
    }
  }
  name_changes_.clear();
  names_ = names;
  durable_names_ = std::move(names);
  for (auto& [path, node] : names_) cut_power_of(*node);
}

std::vector<std::byte>& FakeDisk::bytes(const std::string& path) { return names_.at(path)->now; }

std::vector<std::string> FakeDisk::paths() const {
  std::vector<std::string> all;
  for (const auto& [path, node] : names_) all.push_back(path);
  return all;
}

void FakeDisk::set_name(const std::string& path, std::shared_ptr<Node> node) {
  if (node != nullptr) {
    names_[path] = node;
  } else {
    names_.erase(path);
  }
  name_changes_.push_back({path, std::move(node)});
}

Expected<std::unique_ptr<File>> FakeDisk::open_to_read(const std::string& path) {
  if (!obeys()) return stopped(path);
  const auto found = names_.find(path);
  if (found == names_.end()) return nullptr;
  return std::make_unique<FakeFile>(*this, path, found->second);
}

Expected<std::unique_ptr<File>> FakeDisk::open_to_write(const std::string& path) {
  if (!obeys()) return stopped(path);
  if (!names_.contains(path)) set_name(path, std::make_shared<Node>());
  return std::make_unique<FakeFile>(*this, path, names_.at(path));
}

Expected<std::vector<std::string>> FakeDisk::list(const std::string& directory) {
  if (!obeys()) return stopped(directory);
  std::set<std::string> inside;
  const std::string prefix = directory + "/";
  for (const auto& [path, node] : names_) {
    if (!path.starts_with(prefix)) continue;
    const std::string rest = path.substr(prefix.size());
    inside.insert(rest.substr(0, rest.find('/')));
  }
  return std::vector<std::string>(inside.begin(), inside.end());
}

Expected<void> FakeDisk::make_directories(const std::string& directory) {
  if (!obeys()) return stopped(directory);
  return {};
}

Expected<void> FakeDisk::remove(const std::string& path) {
  if (!obeys()) return stopped(path);
  if (names_.contains(path)) set_name(path, nullptr);
  return {};
}

Expected<void> FakeDisk::rename(const std::string& from, const std::string& to) {
  if (!obeys()) return stopped(from);
  const auto node = names_.at(from);
  set_name(to, node);
  set_name(from, nullptr);
  return {};
}

Expected<void> FakeDisk::sync_directory(const std::string& directory) {
  if (!obeys()) return stopped(directory);
  const auto is_here = [&](const NameChange& change) {
    return parent_of(change.path) == directory;
  };
  for (const NameChange& change : name_changes_) {
    if (!is_here(change)) continue;
    if (change.node != nullptr) {
      durable_names_[change.path] = change.node;
    } else {
      durable_names_.erase(change.path);
    }
  }
  std::erase_if(name_changes_, is_here);
  return {};
}

Expected<LockAttempt> FakeDisk::lock(const std::string& path) {
  if (!obeys()) return stopped(path);
  if (!locks_.insert(path).second) return LockAttempt{nullptr, 4711};
  return LockAttempt{std::make_unique<FakeLock>(*this, path), 0};
}

Expected<bool> FakeDisk::is_locked(const std::string& path) {
  if (!obeys()) return stopped(path);
  return locks_.contains(path);
}

}  // namespace backsight::storage
