// The thread that makes bundles of closed spools, one after the other, and tries again when it
// cannot.
// Thread: any, but stop() and the destructor are the owner's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "controller/archive/bundle.h"
#include "controller/archive/layout.h"
#include "daemon/trouble.h"
#include "storage/file_system.h"

namespace backsight::controller {

class Bundler {
 public:
  struct Figures {
    std::uint64_t bundles = 0;
    std::uint64_t bytes = 0;  // packed
    std::uint64_t rejected_rows = 0;
    std::uint64_t waiting = 0;
  };

  Bundler(storage::FileSystem& files, const ArchiveLayout& layout,
          std::chrono::milliseconds retry_interval, daemon::Teller& tell);
  ~Bundler();
  Bundler(const Bundler&) = delete;
  Bundler& operator=(const Bundler&) = delete;

  void add(const std::vector<BundleName>& closed);
  // Makes what is waiting, until one cannot be made; then ends. The rest stays in the spool.
  void stop();

  [[nodiscard]] Figures figures() const;
  [[nodiscard]] std::string trouble() const { return trouble_.sentence(); }

 private:
  void run();
  // Returns false when it could not.
  bool make(const BundleName& name);

  storage::FileSystem& files_;
  const ArchiveLayout layout_;
  const std::chrono::milliseconds retry_interval_;
  daemon::Teller& tell_;
  daemon::Trouble trouble_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<BundleName> waiting_;
  Figures figures_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace backsight::controller
