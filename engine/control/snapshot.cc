#include "engine/control/snapshot.h"

namespace backsight::engine {
namespace {

PortSnapshot snapshot_of(const Port& port) {
  return {.config = port.config(),
          .mac = port.mac(),
          .gateway_mac = port.neighbours().gateway_mac(),
          .gateway_is_known = port.neighbours().gateway_is_known(),
          .link_is_up = port.link_is_up(),
          .is_held = port.is_held(),
          .gateway_moves = port.neighbours().gateway_moves(),
          .interruptions = port.interruptions(),
          .reopened = port.reopened(),
          .buffers_in_use = port.buffers_in_use(),
          .statistics = port.statistics()};
}

}  // namespace

std::uint64_t Snapshot::inflight_capacity() const noexcept {
  std::uint64_t total = 0;
  for (const WorkerSnapshot& worker : workers) total += worker.inflight_capacity;
  return total;
}

Snapshot snapshot_of(const VantagePoint& vp) {
  Snapshot now{.vp = vp.config().name,
               .id = vp.config().id,
               .why_not_ready = vp.why_not_ready(),
               .is_stopping = vp.is_stopping(),
               .is_silenced = vp.is_silenced(),
               .rate_limit_pps = vp.rate_pps(),
               .tsc_hz = vp.clock().hz(),
               .control = vp.counters()};
  for (std::size_t i = 0; i < vp.workers().size(); ++i) {
    const Worker& worker = *vp.workers()[i];
    now.workers.push_back({.core = vp.config().engine.workers[i],
                           .inflight_capacity = worker.inflight_capacity(),
                           .counters = worker.counters()});
  }
  for (const auto& port : vp.ports()) now.ports.push_back(snapshot_of(*port));
  return now;
}

}  // namespace backsight::engine
