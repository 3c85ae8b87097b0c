// The vantage point as Prometheus reads it (docs/metrics.md). Nothing is counted here: each scrape
// reads the counters that workers and control keep.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control/vantage_point.h"

namespace backsight::engine {

// What a row reads at one scrape.
struct MetricSources {
  const VantagePoint& vp;
  const std::string& version;
  const std::vector<double>& busy_ratios;  // one a worker
  std::uint64_t spool_bytes = 0;
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
  std::string_view name;  // in full
  std::string_view help;
  prometheus::MetricType type = prometheus::MetricType::Counter;
  std::vector<std::string_view> labels;
  void (*read)(const MetricSources& sources, MetricSamples& samples) = nullptr;
};

// Every metric, once, in the order of the page. Made from it: /metrics and docs/metrics.md.
[[nodiscard]] std::span<const MetricRow> metric_rows();

// The table of docs/metrics.md.
[[nodiscard]] std::string print_metrics_manual();

// Thread: any.
class VantagePointMetrics final : public prometheus::Collectable {
 public:
  // `vp` outlives this.
  VantagePointMetrics(const VantagePoint& vp, std::string version);

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

  // What the queue holds that nobody has committed; the queue itself is control's alone.
  void set_spool_bytes(std::uint64_t bytes) noexcept {
    spool_bytes_.store(bytes, std::memory_order_relaxed);
  }

 private:
  struct Times {
    std::uint64_t busy = 0;
    std::uint64_t idle = 0;
  };
  void refresh_busy_ratios() const;

  const VantagePoint& vp_;
  const std::string version_;
  std::atomic<std::uint64_t> spool_bytes_{0};
  // One scrape at a time: the ratios are over the time since the last one.
  mutable std::mutex mutex_;
  mutable std::vector<Times> last_;
  mutable std::vector<double> busy_ratios_;
  mutable std::chrono::steady_clock::time_point looked_at_;
};

}  // namespace backsight::engine
