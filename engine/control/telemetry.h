// The vantage point's commands in DPDK's telemetry (engine.telemetry; docs/operations.md):
//   /backsight/status       state, rates, totals
//   /backsight/workers      the numbers of the workers
//   /backsight/worker,N     everything that worker N counts
//   /backsight/inflight     slots and waiting tasks, a worker each
//   /backsight/counters     the counters of all workers together
//
// DPDK answers from a thread of its own; nothing here reaches a worker.
#pragma once

#include "engine/control/vantage_point.h"

namespace backsight::engine {

// Registers the commands, for as long as it lives. One at a time in a process: DPDK knows no more.
// Without telemetry in the config it does nothing.
class Telemetry {
 public:
  // `vp` outlives this.
  explicit Telemetry(const VantagePoint& vp);
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
  ~Telemetry();
};

}  // namespace backsight::engine
