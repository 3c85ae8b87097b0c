#include "engine/worker/worker_client.h"

#include <utility>

namespace backsight::engine {

void WorkerClient::give(const Assignment& assignment) {
  const bool is_trace = assignment.queued.task.kind == probes::Kind::kTrace;
  (is_trace ? traces_ : probes_).push_back(assignment);
}

bool WorkerClient::feed() {
  SpscRing<Assignment>& ring = worker_.tasks();
  bool did = false;
  for (; !traces_.empty() && traces_out_ < hops_.size() && ring.try_push(traces_.front());
       ++traces_out_) {
    traces_.pop_front();
    did = true;
  }
  for (; !probes_.empty() && ring.try_push(probes_.front()); did = true) probes_.pop_front();
  return did;
}

std::size_t WorkerClient::read(std::size_t most, std::uint64_t near, tasks::ResultBatch& batch) {
  return worker_.reports().read(most, [&](const Report& report) { read(report, near, batch); });
}

void WorkerClient::read(const Report& report, std::uint64_t near, tasks::ResultBatch& batch) {
  switch (report.what()) {
    case ReportKind::kHop:
      hops_[report.hop().trace].push_back(hop_of(report.hop(), clock_));
      return;
    case ReportKind::kObservation:
      batch.observations.push_back(observation_of(report, clock_));
      return;
    case ReportKind::kProbe:
      batch.probes.push_back(probe_result_of(report, clock_, near));
      break;
    case ReportKind::kTrace: {
      tasks::TraceResult trace{probe_result_of(report, clock_, near), {}};
      // Without a number it ended before it began.
      if (const std::uint32_t number = report.head().trace; number != kNoTrace) {
        trace.hops = hops_[number];
        hops_[number].clear();
      }
      batch.traces.push_back(std::move(trace));
      --traces_out_;
      break;
    }
  }
  ++ended_;
}

}  // namespace backsight::engine
