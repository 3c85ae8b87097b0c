// Every metric of the vantage point: its name, meaning, labels and where its figures are.
#pragma once

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control/queue_watch.h"
#include "engine/control/vantage_point.h"

namespace backsight::engine {

// What a row reads at one scrape.
struct MetricSources {
  const VantagePoint& vp;
  const std::string& version;
  const std::vector<double>& busy_ratios;  // one a worker
  const QueueFigures& queue;
};

// Collects the samples of one row.
class MetricSamples {
 public:
  MetricSamples(std::span<const std::string_view> labels, prometheus::MetricFamily& family)
      : labels_(labels), family_(family) {}
  // REQUIRES: one value for each label of the row.
  void add(double value, std::initializer_list<std::string_view> label_values = {});

 private:
  std::span<const std::string_view> labels_;
  prometheus::MetricFamily& family_;
};

struct MetricRow {
  using Read = void (*)(const MetricSources& sources, MetricSamples& samples);

  std::string_view name;  // in full
  std::string_view help;
  prometheus::MetricType type = prometheus::MetricType::Counter;
  std::vector<std::string_view> labels;
  Read read = nullptr;
};

// Every metric, once, in the order of the page. Made from it: /metrics and docs/metrics.md.
[[nodiscard]] std::span<const MetricRow> metric_rows();

// The table of docs/metrics.md.
[[nodiscard]] std::string print_metrics_manual();

}  // namespace backsight::engine
