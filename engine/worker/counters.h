// What a worker counts. Plain integers of one writer; control reads them while they move.
//
// Laws, at any moment when nothing is under way:
//   received = sum(rejected) + sum(outcomes)
//   tasks    = sum(results) + under way
//   crafted  = sum(sent) + given up
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/device/arp.h"
#include "probes/probe.h"
#include "probes/reading/flaw.h"
#include "probes/reading/reject.h"
#include "tasks/result.h"

namespace backsight::engine {

// What became of a packet that could be read as a reply.
enum class RxOutcome : std::uint8_t {
  kMatched,        // the first answer to a probe of ours
  kLate,           // the probe had timed out
  kDuplicate,      // the probe was answered before
  kObserved,       // answers a spoofed probe of the fleet, proven by its tag
  kObservedAgain,  // the same once more
  kForeign,        // names no probe of ours
  kBadTag,         // names one, but the tag is not ours
  kMismatch,       // names one, but too little of it is what was sent
  kRedirect,       // a router's advice; the probe went on
  kNotForUs,       // to another address or another MAC
  kOwnFrame,       // a frame that this port sent, seen again
  kHandoverFull,   // answers another worker's trace, whose inbox is full; the attempt times out
  kCount
};
[[nodiscard]] std::string_view name(RxOutcome outcome) noexcept;

// The steps of a round.
enum class Stage : std::uint8_t {
  kReceive,   // fetching packets from the ports
  kMatch,     // parse, check, claim
  kExpire,    // time-outs
  kChoose,    // orders, tasks, schedule, limits
  kCraft,     // identities, frames, in-flight entries
  kTransmit,  // handing packets to the ports
  kCount
};
[[nodiscard]] std::string_view name(Stage stage) noexcept;

// A counter that its owner bumps and others may read at any time. Relaxed: it orders nothing.
class Counter {
 public:
  Counter() = default;
  // What it is now.
  Counter(const Counter& other) noexcept : value_(other.value()) {}
  Counter& operator=(const Counter&) = delete;
  Counter& operator+=(std::uint64_t count) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    return *this;
  }
  Counter& operator++() noexcept { return *this += 1; }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

template <typename Enum>
class CounterArray {
 public:
  [[nodiscard]] Counter& operator[](Enum which) noexcept {
    return counters_[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] const Counter& operator[](Enum which) const noexcept {
    return counters_[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] std::uint64_t sum() const noexcept {
    std::uint64_t total = 0;
    for (const Counter& counter : counters_) total += counter.value();
    return total;
  }

 private:
  std::array<Counter, static_cast<std::size_t>(Enum::kCount)> counters_;
};

// Thread: written by the worker; read by control.
struct alignas(64) WorkerCounters {
  Counter tasks;                         // taken from the mailbox
  CounterArray<tasks::Outcome> results;  // handed over, each task once
  CounterArray<probes::Kind> sent;       // probes the port accepted
  Counter spoofed;                       // of these
  Counter crafted;                       // probes offered to a port, each once
  Counter given_up;                      // of these, never accepted
  Counter transmit_full;                 // bursts that the port did not take whole
  Counter transmit_refused;              // packets it did not take, each time they were offered
  Counter received;
  CounterArray<probes::Reject> rejected;
  CounterArray<RxOutcome> outcomes;
  CounterArray<probes::Flaw> flaws;  // of those that prove to be answers, each of a packet's
  CounterArray<ArpOutcome> arp;      // of the packets rejected as ARP, each once
  Counter arp_sent;                  // requests and replies
  Counter echo_replies_sent;
  Counter no_buffer;      // bursts put off for want of packet buffers
  Counter inflight_full;  // sending held back: no slot
  Counter results_full;   // everything held back: control is behind
  Counter inflight;       // slots in use, now
  Counter waiting;        // tasks held back by limits, now
  Counter traces;         // traces under way, now
  Counter busy_ticks;     // time in rounds that did something
  Counter idle_ticks;
  Counter rounds;  // heartbeat
  // Of one round in kStageRounds: ticks spent in each stage, and the packets it moved.
  CounterArray<Stage> stage_ticks;
  CounterArray<Stage> stage_packets;
};
inline constexpr std::uint64_t kStageRounds = 16;

// Calls visit(name, counter or array) for everything that a worker counts, in the order of above.
template <typename Visit>
void for_each_counter(const WorkerCounters& of, Visit visit) {
  visit("tasks", of.tasks);
  visit("results", of.results);
  visit("sent", of.sent);
  visit("spoofed", of.spoofed);
  visit("crafted", of.crafted);
  visit("given_up", of.given_up);
  visit("transmit_full", of.transmit_full);
  visit("transmit_refused", of.transmit_refused);
  visit("received", of.received);
  visit("rejected", of.rejected);
  visit("outcomes", of.outcomes);
  visit("flaws", of.flaws);
  visit("arp", of.arp);
  visit("arp_sent", of.arp_sent);
  visit("echo_replies_sent", of.echo_replies_sent);
  visit("no_buffer", of.no_buffer);
  visit("inflight_full", of.inflight_full);
  visit("results_full", of.results_full);
  visit("inflight", of.inflight);
  visit("waiting", of.waiting);
  visit("traces", of.traces);
  visit("busy_ticks", of.busy_ticks);
  visit("idle_ticks", of.idle_ticks);
  visit("rounds", of.rounds);
  visit("stage_ticks", of.stage_ticks);
  visit("stage_packets", of.stage_packets);
}

}  // namespace backsight::engine
