// Traceroutes under way. Each attempt is reported as it ends; then the trace's next one has its
// turn, or the trace's own end is reported behind it.
// Thread: the worker.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/device/huge_array.h"
#include "engine/device/tsc.h"
#include "engine/worker/counters.h"
#include "engine/worker/fixed_map.h"
#include "engine/worker/report.h"
#include "probes/ip/address.h"
#include "tasks/result.h"
#include "tasks/task.h"
#include "tracing/trace.h"

namespace backsight::engine {

class Traces {
 public:
  // Room for `count` traces, numbered from 0. The others outlive this. Throws std::bad_alloc.
  Traces(std::uint32_t count, ReportRing& reports, CounterArray<tasks::Outcome>& results);

  // REQUIRES: fewer than capacity() are under way. Returns the trace's number.
  std::uint32_t begin(const tasks::QueuedTask& task) noexcept;
  // Calls `on_turn(std::uint32_t trace)` for each whose turn has come since the last call.
  template <typename OnTurn>
  void take_turns(OnTurn&& on_turn) noexcept {
    for (const std::uint32_t trace : turns_) on_turn(trace);
    turns_.clear();
  }
  // The attempt whose turn it was is in flight, under this handle.
  void filed(std::uint32_t trace, std::uint32_t handle) noexcept { states_[trace].handle = handle; }
  // It ended, with an answer or without. The hop's TTL and attempt are filled in here.
  void answered(const HopReport& hop) noexcept;
  void timed_out(std::uint32_t trace, Tsc attempt_sent) noexcept;
  // It could not count on an answer, as its port was held: the trace ends.
  void interrupted(std::uint32_t trace, Tsc attempt_sent) noexcept;
  // The attempt whose turn it is cannot be sent, or did not leave: the trace ends.
  void fail(std::uint32_t trace, tasks::Reason reason) noexcept;

  [[nodiscard]] const tasks::QueuedTask& task(std::uint32_t trace) const noexcept {
    return states_[trace].trace.task();
  }
  // Of the attempt whose turn it is, or that is under way.
  [[nodiscard]] std::uint8_t ttl(std::uint32_t trace) const noexcept {
    return states_[trace].trace.ttl();
  }
  // The handle of the UDP attempt to `destination` under way in the flow: a trace has one at a
  // time.
  [[nodiscard]] std::optional<std::uint32_t> udp_handle(probes::Ipv4Addr destination,
                                                        std::uint16_t flow) noexcept;
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(states_.size());
  }
  [[nodiscard]] std::uint32_t under_way() const noexcept {
    return capacity() - static_cast<std::uint32_t>(free_.size());
  }

 private:
  struct State {
    tracing::Trace trace;
    Tsc first_sent;            // with an attempt that ended
    std::uint32_t handle = 0;  // of the attempt under way
  };
  static_assert(sizeof(State) <= 1024);

  // Two traces alike share a key, and the later one has it.
  [[nodiscard]] static std::uint32_t udp_key(probes::Ipv4Addr destination,
                                             std::uint16_t flow) noexcept {
    return destination.value ^ (std::uint32_t{flow} * 0x9e3779b1U);
  }
  void report(HopReport hop) noexcept;
  void advance(std::uint32_t trace, const tracing::Trace::Step& step) noexcept;
  void end(std::uint32_t trace, tasks::Outcome outcome, tasks::Reason reason) noexcept;

  ReportRing& reports_;
  CounterArray<tasks::Outcome>& results_;
  HugeArray<State> states_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> turns_;    // room for all, reserved at start
  FixedMap<std::uint32_t> udp_traces_;  // hash of destination and flow -> trace
};

}  // namespace backsight::engine
