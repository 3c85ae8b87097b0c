#include "daemon/metric_rows.h"

#include <fmt/format.h>

#include <limits>

#include "probes/assert.h"

namespace backsight::daemon {
namespace {

using prometheus::MetricType;

std::string labels_text(const MetricHead& row) {
  std::string text;
  for (const std::string_view label : row.labels) {
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", label);
  }
  return text;
}

std::string_view type_text(MetricType type) {
  if (type == MetricType::Counter) return "counter";
  return type == MetricType::Gauge ? "gauge" : "histogram";
}

}  // namespace

void MetricSamples::add(double value, std::initializer_list<std::string_view> label_values) {
  BACKSIGHT_ASSERT(label_values.size() == labels_.size());
  prometheus::ClientMetric metric;
  auto label = labels_.begin();
  for (const std::string_view text : label_values) {
    metric.label.push_back({std::string(*label++), std::string(text)});
  }
  (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family_.metric.push_back(std::move(metric));
}

void MetricSamples::add_histogram(std::span<const double> bounds,
                                  std::span<const std::uint64_t> counts, double sum) {
  BACKSIGHT_ASSERT(counts.size() == bounds.size() + 1);
  prometheus::ClientMetric metric;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    cumulative += counts[i];
    const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = sum;
  family_.metric.push_back(std::move(metric));
}

std::string print_metrics_head() {
  return "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
}

std::string print_metrics_line(const MetricHead& row) {
  return fmt::format("| `{}` | {} | {} | {} |\n", row.name, type_text(row.type), labels_text(row),
                     row.help);
}

}  // namespace backsight::daemon
