// /metrics, /healthz and /readyz: what they answer.
#pragma once

#include <prometheus/collectable.h>

#include <functional>
#include <string>
#include <vector>

#include "daemon/http_server.h"

namespace backsight::daemon {

// Where the pages' content comes from. Thread: any.
struct HealthSources {
  const prometheus::Collectable& metrics;
  // What is wrong, a sentence each; nothing: all is well.
  std::function<std::vector<std::string>()> why_not_alive;
  std::function<std::vector<std::string>()> why_not_ready;
};

[[nodiscard]] HttpReply answer_health(const std::string& path, const HealthSources& sources);

}  // namespace backsight::daemon
