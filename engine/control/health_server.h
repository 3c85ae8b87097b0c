// /metrics, /healthz and /readyz, for machines that watch. Nothing here reaches a worker.
#pragma once

#include <prometheus/collectable.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/error.h"
#include "daemon/health_pages.h"
#include "daemon/http_server.h"
#include "engine/control/vantage_point.h"
#include "engine/control/worker_watch.h"

namespace backsight::engine {

class HealthServer {
 public:
  // Listens on `listen` ("127.0.0.1:9464"). `vp` and `metrics` outlive the server.
  [[nodiscard]] static Expected<std::unique_ptr<HealthServer>> start(
      const std::string& listen, const VantagePoint& vp, const prometheus::Collectable& metrics);

 private:
  HealthServer(const VantagePoint& vp, const prometheus::Collectable& metrics);
  [[nodiscard]] std::vector<std::string> look_after_workers();

  const VantagePoint& vp_;
  const daemon::HealthSources sources_;
  std::mutex mutex_;  // of watch_
  WorkerWatch watch_;
  std::unique_ptr<daemon::HttpServer> server_;  // ends first
};

}  // namespace backsight::engine
