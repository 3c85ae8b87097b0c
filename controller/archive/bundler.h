// The thread that makes bundles of what the journal holds, and tries again when it cannot.
// Thread: any, but stop() and the destructor are the owner's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "controller/archive/bundle.h"
#include "controller/archive/layout.h"
#include "controller/journal/journal.h"
#include "daemon/trouble.h"

namespace backsight::controller {

class Bundler {
 public:
  struct Figures {
    std::uint64_t bundles = 0;
    std::uint64_t bytes = 0;  // packed
    std::uint64_t rejected_rows = 0;
    std::uint64_t waiting = 0;  // records of the journal
  };

  // Begins with all that the journal holds. It removes nothing that is not bundled.
  Bundler(std::unique_ptr<BundleMaker> maker, Journal& journal, const ArchiveLayout& layout,
          std::chrono::milliseconds retry_interval, daemon::Teller& tell);
  ~Bundler();
  Bundler(const Bundler&) = delete;
  Bundler& operator=(const Bundler&) = delete;

  // What is durable by now is to be bundled.
  void bundle_all();
  // Makes what is to be bundled, until some cannot be made; then ends. The rest stays in the
  // journal.
  void stop();

  [[nodiscard]] Figures figures() const;
  [[nodiscard]] std::string trouble() const { return trouble_.sentence(); }

 private:
  void run();
  // Returns false when it could not.
  bool make(std::uint64_t end);

  const std::unique_ptr<BundleMaker> maker_;  // the thread's own
  Journal& journal_;
  const ArchiveLayout layout_;
  const std::chrono::milliseconds retry_interval_;
  daemon::Teller& tell_;
  daemon::Trouble trouble_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::uint64_t bundled_ = 0;  // position in the journal
  std::uint64_t end_ = 0;      // to be bundled before it
  Figures figures_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace backsight::controller
