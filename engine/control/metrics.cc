#include "engine/control/metrics.h"

#include <utility>

#include "engine/control/metric_rows.h"

namespace backsight::engine {
namespace {

// Scrapes closer together than this see the same busy ratio: it needs some time to be one.
constexpr std::chrono::milliseconds kRatioTime{500};

}  // namespace

VantagePointMetrics::VantagePointMetrics(const VantagePoint& vp, std::string version)
    : vp_(vp),
      version_(std::move(version)),
      last_(vp.workers().size()),
      busy_ratios_(vp.workers().size()) {}

void VantagePointMetrics::refresh_busy_ratios(const Snapshot& now) const {
  const auto at = std::chrono::steady_clock::now();
  if (at - looked_at_ < kRatioTime) return;
  looked_at_ = at;
  for (std::size_t i = 0; i < last_.size(); ++i) {
    const WorkerCounters& counters = now.workers[i].counters;
    const Times times{counters.busy_ticks.value(), counters.idle_ticks.value()};
    const std::uint64_t busy = times.busy - last_[i].busy;
    const std::uint64_t all = busy + times.idle - last_[i].idle;
    busy_ratios_[i] = all == 0 ? 0 : static_cast<double>(busy) / static_cast<double>(all);
    last_[i] = times;
  }
}

std::vector<prometheus::MetricFamily> VantagePointMetrics::Collect() const {
  const std::lock_guard lock(mutex_);
  const Snapshot now = snapshot_of(vp_);
  refresh_busy_ratios(now);
  const MetricSources sources{now, version_, busy_ratios_, queue_};
  return daemon::collect(metric_rows(), sources);
}

}  // namespace backsight::engine
