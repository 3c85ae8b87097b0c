// A traceroute as a state machine: hop by hop, each hop asked until it answers or its attempts are
// used up. Pure: events in, the next step out; no clock, no packets.
//
// Ends: a reply says that the way ends (reached, unreachable), a row of hops comes back (loop),
// `gap_limit` hops in a row were silent, or max_ttl was asked. tasks/trace_rules.h has the rules.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::engine {

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

  // The attempt under way has left.
  void sent(std::uint64_t sent_at_ns) noexcept;
  // It was answered by `hop`, as filled in by the caller except for ttl, attempt and sent_at_ns.
  Step answered(const tasks::Hop& hop) noexcept;
  Step timed_out() noexcept;

  [[nodiscard]] const tasks::QueuedTask& task() const noexcept { return task_; }
  [[nodiscard]] std::span<const tasks::Hop> hops() const noexcept { return {hops_.data(), count_}; }
  [[nodiscard]] std::uint8_t ttl() const noexcept { return ttl_; }
  [[nodiscard]] std::uint8_t attempt() const noexcept { return attempt_; }

 private:
  [[nodiscard]] Step next_hop() noexcept;
  static Step over(tasks::Outcome outcome) noexcept {
    return {.is_over = true, .outcome = outcome};
  }

  tasks::QueuedTask task_;
  std::uint16_t count_ = 0;  // hops_ in use
  std::uint8_t ttl_ = 0;     // the attempt under way
  std::uint8_t attempt_ = 0;
  std::uint8_t silent_hops_ = 0;  // in a row
  std::array<tasks::Hop, tasks::kMaxTraceProbes> hops_;
};

}  // namespace backsight::engine
