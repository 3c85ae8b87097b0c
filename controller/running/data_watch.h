// Files of data that were replaced, or written anew in place, are taken up while the controller
// runs: by themselves once they lie still, and at once when it is asked for. What cannot be read
// leaves what was read before as it is.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "config/controller_config.h"
#include "controller/running/files.h"

namespace backsight::controller {

// Tells from its folder's entry whether a file is another than before. Thread: one at a time.
class DataLook {
 public:
  // The config outlives this.
  explicit DataLook(const config::ControllerConfig& config) : config_(config) {}

  // To be called every few seconds. Reads all of them when one is new and no one has changed since
  // the call before; nothing when that is not so, or one changed while they were read.
  [[nodiscard]] std::optional<ReadData> look();
  // Reads all of them now.
  [[nodiscard]] ReadData read();

 private:
  struct Signature {
    dev_t device = 0;
    ino_t inode = 0;
    off_t bytes = 0;
    std::int64_t written_ns = 0;
    std::int64_t changed_ns = 0;  // which nobody can set back
    friend bool operator==(const Signature&, const Signature&) = default;
  };
  using Signatures = std::map<std::string, Signature>;
  [[nodiscard]] Signatures now() const;

  const config::ControllerConfig& config_;
  std::uint64_t next_import_ = kFirstImported;
  Signatures read_;  // as they were when they were read
  Signatures seen_;  // in the last look
};

// Looks from a thread of its own.
class DataWatch {
 public:
  // `take` is called from that thread with what could be read. REQUIRES: `look` has read them once.
  DataWatch(DataLook look, std::function<void(DataFiles)> take);
  ~DataWatch();
  DataWatch(const DataWatch&) = delete;
  DataWatch& operator=(const DataWatch&) = delete;

  // Thread: any.
  void read_now();

 private:
  void run();
  void take_up(ReadData read);

  DataLook look_;
  const std::function<void(DataFiles)> take_;
  std::mutex mutex_;
  std::condition_variable has_come_;
  bool wants_reading_ = false;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace backsight::controller
