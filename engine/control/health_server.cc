#include "engine/control/health_server.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace backsight::engine {
namespace {

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// 200 and one word, or 503 and what is wrong, a line each.
HttpReply verdict(const std::vector<std::string>& faults, const char* good) {
  if (faults.empty()) return {.body = fmt::format("{}\n", good)};
  return {.status = 503, .body = fmt::format("{}\n", fmt::join(faults, "\n"))};
}

}  // namespace

HealthServer::HealthServer(const VantagePoint& vp, const prometheus::Collectable& metrics)
    : vp_(vp), metrics_(metrics) {
  static_cast<void>(look_after_workers());
}

Expected<std::unique_ptr<HealthServer>> HealthServer::start(
    const std::string& listen, const VantagePoint& vp, const prometheus::Collectable& metrics) {
  std::unique_ptr<HealthServer> health(new HealthServer(vp, metrics));
  auto server = HttpServer::start(
      listen, [pages = health.get()](const std::string& path) { return pages->answer(path); });
  if (!server) return tl::unexpected(server.error());
  health->server_ = std::move(*server);
  return health;
}

HttpReply HealthServer::answer(const std::string& path) {
  if (path == "/metrics") {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, metrics_.Collect());
    return {.body = text.str(), .content_type = kMetricsType};
  }
  if (path == "/healthz") return verdict(look_after_workers(), "ok");
  if (path == "/readyz") return verdict(vp_.why_not_ready(), "ready");
  return {.status = 404, .body = "There is /metrics, /healthz and /readyz.\n"};
}

std::vector<std::string> HealthServer::look_after_workers() {
  const std::lock_guard lock(mutex_);
  return watch_.look(vp_);
}

}  // namespace backsight::engine
