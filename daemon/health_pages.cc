#include "daemon/health_pages.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace backsight::daemon {
namespace {

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// 200 and one word, or 503 and what is wrong, a line each.
HttpReply verdict(const std::vector<std::string>& faults, const char* good) {
  if (faults.empty()) return {.body = fmt::format("{}\n", good)};
  return {.status = 503, .body = fmt::format("{}\n", fmt::join(faults, "\n"))};
}

}  // namespace

HttpReply answer_health(const std::string& path, const HealthSources& sources) {
  if (path == "/metrics") {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, sources.metrics.Collect());
    return {.body = text.str(), .content_type = kMetricsType};
  }
  if (path == "/healthz") return verdict(sources.why_not_alive(), "ok");
  if (path == "/readyz") return verdict(sources.why_not_ready(), "ready");
  return {.status = 404, .body = "There is /metrics, /healthz and /readyz.\n"};
}

}  // namespace backsight::daemon
