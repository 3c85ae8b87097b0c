#include "engine/control/queue_watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "engine/control/metrics.h"

namespace backsight::engine {

QueueFigures QueueWatch::look(const queue::VpQueue& queue) {
  QueueFigures figures{queue.spool(), queue.health()};
  const std::vector<std::string>& troubles = figures.health.troubles;
  for (const std::string& trouble : troubles) {
    if (std::ranges::find(told_, trouble) == told_.end()) spdlog::warn("{}", trouble);
  }
  if (troubles.empty() && !told_.empty()) spdlog::info("the queue is well again");
  told_ = troubles;
  vp_.set_queue_troubles(troubles);
  metrics_.set_queue(figures);
  return figures;
}

}  // namespace backsight::engine
