#include "tracing/trace.h"

namespace backsight::tracing {

using tasks::Outcome;

Trace::Step Trace::start(const tasks::QueuedTask& task) noexcept {
  task_ = task;
  row_.clear();
  row_.ask();
  silent_hops_ = 0;
  ttl_ = task.task.first_ttl;
  attempt_ = 1;
  return {.ttl = ttl_, .attempt = attempt_};
}

Trace::Step Trace::answered(const tasks::ReplySummary& reply) noexcept {
  row_.answer(reply.from);
  silent_hops_ = 0;
  switch (way_end(reply, task_.task.method, task_.task.dst)) {
    case WayEnd::kReached:
      return over(Outcome::kReached);
    case WayEnd::kUnreachable:
      return over(Outcome::kUnreachable);
    case WayEnd::kNone:
      break;
  }
  if (row_.ends_loop(task_.task.loop_limit)) return over(Outcome::kLoop);
  return next_hop();
}

Trace::Step Trace::timed_out() noexcept {
  if (attempt_ < task_.task.attempts) {
    ++attempt_;
    return {.ttl = ttl_, .attempt = attempt_};
  }
  if (++silent_hops_ >= task_.task.gap_limit) return over(Outcome::kGapLimit);
  return next_hop();
}

Trace::Step Trace::next_hop() noexcept {
  if (ttl_ >= task_.task.max_ttl) return over(Outcome::kMaxTtl);
  ++ttl_;
  attempt_ = 1;
  row_.ask();
  return {.ttl = ttl_, .attempt = attempt_};
}

}  // namespace backsight::tracing
