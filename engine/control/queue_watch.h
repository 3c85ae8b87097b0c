// How the queue gets on, once a second: into the log when it changes, into /readyz and /metrics.
#pragma once

#include <string>
#include <vector>

#include "engine/control/vantage_point.h"
#include "queue/vp_queue.h"

namespace backsight::engine {

class VantagePointMetrics;

struct QueueFigures {
  queue::Spool spool;
  queue::QueueHealth health;
};

// Thread: control.
class QueueWatch {
 public:
  // Both outlive this.
  QueueWatch(VantagePoint& vp, VantagePointMetrics& metrics) : vp_(vp), metrics_(metrics) {}

  // Tells of each trouble once when it comes, and once when all are over.
  QueueFigures look(const queue::VpQueue& queue);

 private:
  VantagePoint& vp_;
  VantagePointMetrics& metrics_;
  std::vector<std::string> told_;
};

}  // namespace backsight::engine
