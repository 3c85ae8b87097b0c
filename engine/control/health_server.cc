#include "engine/control/health_server.h"

namespace backsight::engine {

HealthServer::HealthServer(const VantagePoint& vp, const prometheus::Collectable& metrics)
    : vp_(vp),
      sources_{.metrics = metrics,
               .why_not_alive = [this] { return look_after_workers(); },
               .why_not_ready = [this] { return vp_.why_not_ready(); }} {
  static_cast<void>(look_after_workers());
}

Expected<std::unique_ptr<HealthServer>> HealthServer::start(
    const std::string& listen, const VantagePoint& vp, const prometheus::Collectable& metrics) {
  std::unique_ptr<HealthServer> health(new HealthServer(vp, metrics));
  auto server = daemon::HttpServer::start(listen, [pages = health.get()](const std::string& path) {
    return daemon::answer_health(path, pages->sources_);
  });
  if (!server) return tl::unexpected(server.error());
  health->server_ = std::move(*server);
  return health;
}

std::vector<std::string> HealthServer::look_after_workers() {
  const std::lock_guard lock(mutex_);
  return watch_.look(snapshot_of(vp_));
}

}  // namespace backsight::engine
