#include "engine/worker/traces.h"

#include <algorithm>
#include <numeric>

#include "probes/assert.h"

namespace backsight::engine {

Traces::Traces(std::uint32_t count, ReportRing& reports, CounterArray<tasks::Outcome>& results)
    : reports_(reports),
      results_(results),
      states_(count, false),
      free_(count),
      udp_traces_(count) {
  std::iota(free_.rbegin(), free_.rend(), 0U);
  turns_.reserve(count);
}

std::uint32_t Traces::begin(const tasks::QueuedTask& queued) noexcept {
  BACKSIGHT_ASSERT(!free_.empty());
  const std::uint32_t trace = free_.back();
  free_.pop_back();
  State& state = states_[trace];
  state.first_sent = {};
  state.handle = 0;
  const tasks::Task& task = queued.task;
  if (task.method == probes::TraceMethod::kUdp) {
    const std::uint32_t key = udp_key(task.dst, task.flow);
    udp_traces_.erase(key);
    udp_traces_.insert(key, trace);
  }
  advance(trace, state.trace.start(queued));
  return trace;
}

void Traces::answered(const HopReport& hop) noexcept {
  report(hop);
  advance(hop.trace, states_[hop.trace].trace.answered(hop.reply));
}

void Traces::timed_out(std::uint32_t trace, Tsc attempt_sent) noexcept {
  report({.sent = attempt_sent, .trace = trace});
  advance(trace, states_[trace].trace.timed_out());
}

void Traces::interrupted(std::uint32_t trace, Tsc attempt_sent) noexcept {
  report({.sent = attempt_sent, .trace = trace});
  fail(trace, tasks::Reason::kLink);
}

void Traces::fail(std::uint32_t trace, tasks::Reason reason) noexcept {
  end(trace, tasks::Outcome::kSendFailed, reason);
}

// The trace still knows which attempt it is that ended.
void Traces::report(HopReport hop) noexcept {
  State& state = states_[hop.trace];
  if (state.first_sent == Tsc{}) state.first_sent = hop.sent;
  hop.ttl = state.trace.ttl();
  hop.attempt = state.trace.attempt();
  reports_.add(hop);
}

void Traces::advance(std::uint32_t trace, const tracing::Trace::Step& step) noexcept {
  if (step.is_over) return end(trace, step.outcome, tasks::Reason::kNone);
  turns_.push_back(trace);
}

void Traces::end(std::uint32_t trace, tasks::Outcome outcome, tasks::Reason reason) noexcept {
  const State& state = states_[trace];
  const tasks::QueuedTask& queued = state.trace.task();
  const std::uint32_t key = udp_key(queued.task.dst, queued.task.flow);
  if (const std::uint32_t* found = udp_traces_.find(key); found != nullptr && *found == trace) {
    udp_traces_.erase(key);
  }
  ++results_[outcome];
  reports_.add({.what = ReportKind::kTrace,
                .kind = queued.task.kind,
                .outcome = outcome,
                .reason = reason,
                .method = queued.task.method,
                .task = queued.task.id,
                .position = queued.position,
                .at = state.first_sent,
                .src = queued.task.src,
                .dst = queued.task.dst,
                .trace = trace});
  free_.push_back(trace);
}

std::optional<std::uint32_t> Traces::udp_handle(probes::Ipv4Addr destination,
                                                std::uint16_t flow) noexcept {
  const std::uint32_t* trace = udp_traces_.find(udp_key(destination, flow));
  if (trace == nullptr) return std::nullopt;
  return states_[*trace].handle;
}

}  // namespace backsight::engine
