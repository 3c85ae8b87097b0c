// The controller as Prometheus reads it, and whether it is alive and ready
// (docs/controller-metrics.md). Each scrape reads what the parts count; nothing is counted here.
#pragma once

#include <prometheus/collectable.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/error.h"
#include "controller/api/api_server.h"
#include "controller/archive/archive.h"
#include "controller/journal/request_book.h"
#include "controller/service/controller.h"
#include "daemon/http_server.h"
#include "daemon/metric_rows.h"

namespace backsight::controller {

// What is watched. All of it outlives who watches.
struct Watched {
  const Controller& controller;
  const RequestBook& book;
  const Archive& archive;
  const ApiServer& api;
  std::string version;
  std::uint64_t started_unix_seconds = 0;
};

// All figures of one moment.
struct ControllerFigures {
  WorkFigures work;
  BookHealth book;
  ArchiveStatus archive;
  ApiFigures api;
  std::vector<SourceInfo> sources;
  std::vector<VantagePointInfo> vantage_points;
  std::uint64_t now_unix_us = 0;
  double disbelieved_clock_seconds = 0;  // daemon/wall_clock.h
  double since_last_turn_seconds = 0;
  bool is_ready = false;
  std::string version;
  std::uint64_t started_unix_seconds = 0;
};
[[nodiscard]] ControllerFigures figures_of(const Watched& watched);

using ControllerMetric = daemon::MetricRow<ControllerFigures>;
// Every metric, once, in the order of the page.
[[nodiscard]] std::span<const ControllerMetric> controller_metrics();

// Why a process that runs should be restarted; why requests are refused or their results lost.
[[nodiscard]] std::vector<std::string> why_not_alive(const Watched& watched);
[[nodiscard]] std::vector<std::string> why_not_ready(const Watched& watched);

// /metrics, /healthz and /readyz on `listen` (metrics.listen). Thread: any.
class ControllerPages {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<ControllerPages>> start(const std::string& listen,
                                                                        const Watched& watched);

 private:
  class Metrics;
  explicit ControllerPages(const Watched& watched);

  const Watched watched_;
  std::shared_ptr<prometheus::Collectable> metrics_;
  std::unique_ptr<daemon::HttpServer> server_;  // ends first
};

}  // namespace backsight::controller
