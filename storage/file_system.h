// All contact of the queue with the disk, so that tests can cut the power, fill the disk and stop a
// process between any two calls.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"

namespace backsight::storage {

// An open file. Errors name the file.
class File {
 public:
  virtual ~File() = default;

  // Returns how many bytes were read: fewer than asked only at the end of the file.
  virtual Expected<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> bytes) = 0;
  // On an error any part of the bytes may be written.
  virtual Expected<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  virtual Expected<void> truncate(std::uint64_t size) = 0;
  virtual Expected<std::uint64_t> size() = 0;
  // Returns when the file's bytes and its size are on the disk. The file's name is its directory's.
  virtual Expected<void> sync() = 0;
};

// Held until destroyed; the kernel lets go when the process dies.
class Lock {
 public:
  virtual ~Lock() = default;
};

struct LockAttempt {
  std::unique_ptr<Lock> lock;  // none: another one holds it
  long holder_pid = 0;         // 0: not known
};

// Tells, at next to no cost, whether a directory is worth a look.
class Watch {
 public:
  virtual ~Watch() = default;
  // True if a file in it was made, written, renamed, removed, or closed after writing since asked
  // last; now and then for no reason.
  virtual bool has_changed() = 0;
  // The same, but waits so long for it.
  virtual bool wait(std::chrono::nanoseconds longest) = 0;
};

// Thread: any number of threads.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Returns nothing when there is no such file.
  virtual Expected<std::unique_ptr<File>> open_to_read(const std::string& path) = 0;
  // Creates the file when there is none.
  virtual Expected<std::unique_ptr<File>> open_to_write(const std::string& path) = 0;
  // Returns the names in it, in no order; none when there is no such directory.
  virtual Expected<std::vector<std::string>> list(const std::string& directory) = 0;
  // Creates what is missing of the path; durable on return.
  virtual Expected<void> make_directories(const std::string& directory) = 0;
  // A file that is not there counts as removed.
  virtual Expected<void> remove(const std::string& path) = 0;
  virtual Expected<void> rename(const std::string& from, const std::string& to) = 0;
  // Makes names that were added to and taken from the directory durable.
  virtual Expected<void> sync_directory(const std::string& directory) = 0;
  virtual Expected<LockAttempt> lock(const std::string& path) = 0;
  virtual Expected<bool> is_locked(const std::string& path) = 0;
  // Returns nothing where the system cannot tell.
  virtual std::unique_ptr<Watch> watch(const std::string&) { return nullptr; }
};

// The real one.
[[nodiscard]] FileSystem& posix_file_system();

// Replaces the file as one step for whoever reads it. Not durable: for what is written anew soon.
[[nodiscard]] Expected<void> replace_file(FileSystem& files, const std::string& path,
                                          const std::string& content);
// Returns nothing when there is no such file.
[[nodiscard]] Expected<std::unique_ptr<std::string>> read_file(FileSystem& files,
                                                               const std::string& path);

}  // namespace backsight::storage
