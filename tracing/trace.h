// A traceroute as a state machine: hop by hop, each hop asked until it answers or its attempts are
// used up. Pure: events in, the next step out; no clock, no packets. What the hops were is known to
// who tells of them.
//
// Ends: a reply says that the way ends (reached, unreachable), a row of hops comes back (loop),
// `gap_limit` hops in a row were silent, or max_ttl was asked.
#pragma once

#include <cstdint>

#include "tasks/result.h"
#include "tasks/task.h"
#include "tracing/rules.h"

namespace backsight::tracing {

class Trace {
 public:
  struct Step {
    bool is_over = false;
    tasks::Outcome outcome = tasks::Outcome::kGapLimit;  // when over
    std::uint8_t ttl = 0;                                // else the attempt to send
    std::uint8_t attempt = 0;
  };

  // Starts anew. Returns the first attempt.
  Step start(const tasks::QueuedTask& task) noexcept;
  // The attempt under way was answered.
  Step answered(const tasks::ReplySummary& reply) noexcept;
  Step timed_out() noexcept;

  [[nodiscard]] const tasks::QueuedTask& task() const noexcept { return task_; }
  // Of the attempt under way.
  [[nodiscard]] std::uint8_t ttl() const noexcept { return ttl_; }
  [[nodiscard]] std::uint8_t attempt() const noexcept { return attempt_; }

 private:
  [[nodiscard]] Step next_hop() noexcept;
  static Step over(tasks::Outcome outcome) noexcept {
    return {.is_over = true, .outcome = outcome};
  }

  tasks::QueuedTask task_;
  HopRow row_;
  std::uint8_t ttl_ = 0;
  std::uint8_t attempt_ = 0;
  std::uint8_t silent_hops_ = 0;  // in a row
};

}  // namespace backsight::tracing
