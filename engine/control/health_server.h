// /metrics, /healthz and /readyz, for machines that watch. Nothing here reaches a worker.
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"
#include "engine/control/http_server.h"
#include "engine/control/vantage_point.h"

namespace backsight::engine {

// Notices workers that no longer turn.
class WorkerWatch {
 public:
  using Clock = std::chrono::steady_clock;
  // How long the heartbeat of a worker may stay the same.
  static constexpr std::chrono::seconds kPatience{5};

  // `rounds[i]` is the heartbeat of worker i at `now`. Returns a sentence for each worker that was
  // the same at every look of the last kPatience or longer.
  [[nodiscard]] std::vector<std::string> look(std::span<const std::uint64_t> rounds,
                                              Clock::time_point now);

 private:
  struct Beat {
    std::uint64_t rounds = 0;
    Clock::time_point since;
  };
  std::vector<Beat> beats_;
};

class HealthServer {
 public:
  // Listens on `listen` ("127.0.0.1:9464"). `vp` and `metrics` outlive the server.
  [[nodiscard]] static Expected<std::unique_ptr<HealthServer>> start(
      const std::string& listen, const VantagePoint& vp, const prometheus::Collectable& metrics);

 private:
  HealthServer(const VantagePoint& vp, const prometheus::Collectable& metrics);
  [[nodiscard]] HttpReply answer(const std::string& path);
  [[nodiscard]] std::vector<std::string> look_after_workers();

  const VantagePoint& vp_;
  const prometheus::Collectable& metrics_;
  std::mutex mutex_;  // of watch_
  WorkerWatch watch_;
  std::unique_ptr<HttpServer> server_;  // ends first
};

}  // namespace backsight::engine
