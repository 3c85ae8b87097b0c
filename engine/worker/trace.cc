#include "engine/worker/trace.h"

#include "probes/wire/assert.h"
#include "tasks/trace_rules.h"

namespace backsight::engine {

Trace::Step Trace::start(const tasks::QueuedTask& task) noexcept {
  task_ = task;
  count_ = 0;
  silent_hops_ = 0;
  ttl_ = task.task.first_ttl;
  attempt_ = 1;
  return {.ttl = ttl_, .attempt = attempt_};
}

void Trace::sent(std::uint64_t sent_at_ns) noexcept {
  BACKSIGHT_ASSERT(count_ < hops_.size());
  tasks::Hop& hop = hops_[count_++];
  hop = tasks::Hop{};
  hop.sent_at_ns = sent_at_ns;
  hop.ttl = ttl_;
  hop.attempt = attempt_;
}

Trace::Step Trace::answered(const tasks::Hop& answer) noexcept {
  BACKSIGHT_ASSERT(count_ > 0);
  tasks::Hop& hop = hops_[count_ - 1U];
  const std::uint64_t sent_at_ns = hop.sent_at_ns;
  hop = answer;
  hop.has_reply = true;
  hop.sent_at_ns = sent_at_ns;
  hop.ttl = ttl_;
  hop.attempt = attempt_;
  silent_hops_ = 0;
  switch (tasks::way_end(hop.reply, task_.task.method, task_.task.dst)) {
    case tasks::WayEnd::kReached:
      return over(tasks::Outcome::kReached);
    case tasks::WayEnd::kUnreachable:
      return over(tasks::Outcome::kUnreachable);
    case tasks::WayEnd::kNone:
      break;
  }
  if (tasks::ends_loop(hops(), task_.task.loop_limit)) return over(tasks::Outcome::kLoop);
  return next_hop();
}

Trace::Step Trace::timed_out() noexcept {
  if (attempt_ < task_.task.attempts) {
    ++attempt_;
    return {.ttl = ttl_, .attempt = attempt_};
  }
  if (++silent_hops_ >= task_.task.gap_limit) return over(tasks::Outcome::kGapLimit);
  return next_hop();
}

Trace::Step Trace::next_hop() noexcept {
  if (ttl_ >= task_.task.max_ttl) return over(tasks::Outcome::kMaxTtl);
  ++ttl_;
  attempt_ = 1;
  return {.ttl = ttl_, .attempt = attempt_};
}

}  // namespace backsight::engine
