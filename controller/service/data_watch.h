// Files of data that were replaced, or written anew in place, are taken up while the controller
// runs: by themselves once they lie still, and at once when it is asked for. What cannot be read
// leaves what was read before as it is.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "config/controller/controller_config.h"
#include "config/reading/file_look.h"
#include "controller/service/files.h"

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
  const config::ControllerConfig& config_;
  std::uint64_t next_import_ = kFirstImported;
  config::FileLook files_;
};

// Looks from a thread of its own, at the files of data and at those of settings.
class DataWatch {
 public:
  struct Calls {                             // from that thread
    std::function<void(DataFiles)> take;     // what could be read
    std::function<void()> settings_changed;  // `settings` are others than before
  };
  // REQUIRES: `look` has read its files once.
  DataWatch(DataLook look, config::FileLook::Files settings, Calls calls);
  ~DataWatch();
  DataWatch(const DataWatch&) = delete;
  DataWatch& operator=(const DataWatch&) = delete;

  // Thread: any.
  void read_now();

 private:
  void run();
  void take_up(ReadData read);

  DataLook look_;
  const config::FileLook::Files settings_;
  config::FileLook settings_look_;
  const Calls calls_;
  std::mutex mutex_;
  std::condition_variable has_come_;
  bool wants_reading_ = false;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace backsight::controller
