// Every metric of the vantage point: its name, meaning, labels and where its figures are.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "daemon/metric_rows.h"
#include "engine/control/queue_watch.h"
#include "engine/control/snapshot.h"

namespace backsight::engine {

// What a row reads at one scrape.
struct MetricSources {
  const Snapshot& now;
  const std::string& version;
  const std::vector<double>& busy_ratios;  // one a worker
  const QueueFigures& queue;
};

using MetricRow = daemon::MetricRow<MetricSources>;

// Every metric, once, in the order of the page. Made from it: /metrics and docs/metrics.md.
[[nodiscard]] std::span<const MetricRow> metric_rows();

// The table of docs/metrics.md.
[[nodiscard]] std::string print_metrics_manual();

}  // namespace backsight::engine
