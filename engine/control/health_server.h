// /metrics, /healthz and /readyz over HTTP, for machines that watch.
//
// A request is 8 KiB at the most and is answered, or dropped, within two seconds; two are answered
// at a time and a few wait. Nothing that a client does reaches a worker.
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"
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
  // Listens on `listen` ("127.0.0.1:9464", "[::1]:9464"). `vp` and `metrics` outlive the server.
  [[nodiscard]] static Expected<std::unique_ptr<HealthServer>> start(
      const std::string& listen, const VantagePoint& vp, const prometheus::Collectable& metrics);
  virtual ~HealthServer() = default;

 protected:
  HealthServer() = default;
};

}  // namespace backsight::engine
