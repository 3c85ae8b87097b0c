// Batches of requests, and what has ended of them: what the API shows.
// Thread: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/service.h"

namespace backsight::controller {

class BatchBook {
 public:
  struct Limits {
    std::chrono::seconds keep = std::chrono::hours(24);
    std::size_t most_paths = 1 << 19;  // in memory; the oldest batches go first
  };
  explicit BatchBook(const Limits& limits) : limits_(limits) {}

  void begin(std::uint64_t batch, const std::string& user, const std::vector<Request>& requests);
  // A measurement that stands in for one of the batch has begun.
  void expect_one_more(std::uint64_t batch, std::uint64_t request);
  // False: no such request is under way.
  bool end(const ReversePath& path);

  [[nodiscard]] std::optional<BatchProgress> progress(std::uint64_t batch, std::size_t first) const;
  [[nodiscard]] std::optional<BatchProgress> wait_for_more(
      std::uint64_t batch, std::size_t first, std::chrono::milliseconds patience) const;
  // Requests of the batch that have not ended.
  [[nodiscard]] std::vector<std::uint64_t> under_way(std::uint64_t batch) const;
  [[nodiscard]] std::vector<ReversePath> with_label(const std::string& user,
                                                    const std::string& label,
                                                    std::size_t most) const;
  [[nodiscard]] Service::Usage usage(const std::string& user) const;
  [[nodiscard]] std::size_t under_way() const;
  // Nobody waits any longer.
  void stop();

 private:
  struct Batch {
    std::string user;
    std::size_t total = 0;
    std::vector<ReversePath> ended;
    std::vector<std::uint64_t> open;  // requests, sorted
    std::chrono::steady_clock::time_point begun_at;
  };
  struct User {
    std::uint64_t under_way = 0;
    std::uint64_t today = 0;
    std::int64_t day = 0;
  };
  [[nodiscard]] BatchProgress progress_of(std::uint64_t id, const Batch& batch,
                                          std::size_t first) const;
  void forget_old();

  Limits limits_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::uint64_t, Batch> batches_;
  std::unordered_map<std::string, User> users_;
  std::size_t paths_ = 0;
  std::size_t under_way_ = 0;
  bool is_stopped_ = false;
};

}  // namespace backsight::controller
