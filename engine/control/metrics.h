// The vantage point as Prometheus reads it (docs/metrics.md). Nothing is counted here: each scrape
// reads the counters that workers and control keep.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "engine/control/queue_watch.h"
#include "engine/control/snapshot.h"
#include "engine/control/vantage_point.h"

namespace backsight::engine {

// Thread: any.
class VantagePointMetrics final : public prometheus::Collectable {
 public:
  // `vp` outlives this.
  VantagePointMetrics(const VantagePoint& vp, std::string version);

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

  // What the queue holds that nobody has committed; the queue itself is control's alone.
  void set_queue(const QueueFigures& figures) {
    const std::lock_guard lock(mutex_);
    queue_ = figures;
  }

 private:
  struct Times {
    std::uint64_t busy = 0;
    std::uint64_t idle = 0;
  };
  void refresh_busy_ratios(const Snapshot& now) const;

  const VantagePoint& vp_;
  const std::string version_;
  // One scrape at a time: the ratios are over the time since the last one.
  mutable std::mutex mutex_;
  QueueFigures queue_;
  mutable std::vector<Times> last_;
  mutable std::vector<double> busy_ratios_;
  mutable std::chrono::steady_clock::time_point looked_at_;
};

}  // namespace backsight::engine
