// What waits to be sent, and which of it leaves now. Tasks come through the mailbox; one that no
// limit holds goes from there straight into its packet. Others are singles: they wait for a limit,
// for the Ethernet address of their next hop, or for their port. Traces wait alike for the turn of
// their next attempt. Whatever waited while other lists came into force is asked again.
// Thread: the worker; the mailbox's other end is control's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/device/tsc.h"
#include "engine/worker/ends.h"
#include "engine/worker/item.h"
#include "engine/worker/limiter.h"
#include "engine/worker/messages.h"
#include "engine/worker/schedule.h"
#include "engine/worker/send_policy.h"
#include "engine/worker/spsc_ring.h"
#include "engine/worker/surroundings.h"
#include "engine/worker/traces.h"
#include "engine/worker/worker_setup.h"

namespace backsight::engine {

class Waiting {
 public:
  // `total`, `traces` and `ends` outlive this. Throws std::bad_alloc.
  Waiting(const WorkerSetup& setup, const Surroundings& around, TotalRate& total, Traces& traces,
          Ends& ends);

  [[nodiscard]] SpscRing<Assignment>& mailbox() noexcept { return mailbox_; }
  void set_limits(const ScheduleLimits& limits) noexcept { schedule_.set_limits(limits); }
  // The lists in force from now on; null: none. True if they are others than before.
  bool follow(const SendPolicy* policy) noexcept;

  // Each round: takes in traces whose turn has come, and what was put off for long enough. True if
  // there was any of the latter.
  bool gather(Tsc now) noexcept;
  // Chooses, as far as rates and so many free slots in flight allow. What cannot be sent ends.
  // True if it did anything. REQUIRES: `out` is fresh, and released before the next call.
  bool choose(Tsc now, std::uint32_t slots, Selection& out) noexcept;
  // Takes back those that would leave by the ports in the set `ports` (bit i: port i): they are put
  // off.
  void take_back(Selection& selection, std::uint64_t ports, Tsc now) noexcept;
  // What was chosen stands in its packets: its place is free again.
  void release(const Selection& selection) noexcept;

  // From now on nothing is chosen, and drain() takes the part of gather() and choose().
  void start_draining() noexcept { is_draining_ = true; }
  [[nodiscard]] bool is_draining() const noexcept { return is_draining_; }
  // Ends what waits, as much of it as a round has room to report. Comes round again for tasks that
  // were on their way. True if there was any.
  bool drain(Tsc now) noexcept;

  // What limits, next hops and ports hold back.
  [[nodiscard]] std::size_t size() const noexcept { return schedule_.waiting() + deferred_count_; }
  [[nodiscard]] bool is_empty() noexcept { return size() == 0 && mailbox_.available(1) == 0; }
  // When a limit lets something go, or did; nothing when none holds any.
  [[nodiscard]] std::optional<Tsc> next_wake(Tsc now) const noexcept {
    return schedule_.next_wake(now);
  }
  // After a round that did nothing: when one will have something to do here, unless a task comes
  // before; nothing when none will.
  [[nodiscard]] std::optional<Tsc> next_due(Tsc now, bool has_slot) noexcept;

 private:
  // Of a single or a trace.
  struct Held {
    Tsc unplaced_since = {};   // waits for a place among the neighbours; 0: does not
    std::uint32_t policy = 0;  // that admitted it, or last let it go
    std::uint8_t port = 0;
    bool is_spoofed = false;
    bool is_waiting = false;  // in the schedule or put off
  };
  struct Deferred {
    Item item;
    Tsc again;
  };

  // The schedule's number of a single or a trace, and the place of its Held.
  [[nodiscard]] std::uint32_t number_of(Item item) const noexcept {
    return item.is_trace() ? singles_size() + item.index() : item.index();
  }
  [[nodiscard]] Item item_of(std::uint32_t number) const noexcept {
    return number < singles_size() ? Item::single(number) : Item::trace(number - singles_size());
  }
  [[nodiscard]] std::uint32_t singles_size() const noexcept {
    return static_cast<std::uint32_t>(singles_.size());
  }
  [[nodiscard]] Held& held(Item item) noexcept { return held_[number_of(item)]; }
  [[nodiscard]] const tasks::QueuedTask& queued_of(Item item) const noexcept {
    return item.is_trace() ? traces_.task(item.index()) : singles_[item.index()];
  }

  void choose_scheduled(std::size_t until, Tsc now, Selection& out) noexcept;
  bool choose_offered(std::size_t until, Tsc now, Selection& out) noexcept;
  void try_choose(const tasks::QueuedTask& queued, Item item, std::uint8_t port, bool is_spoofed,
                  Tsc now, Selection& out) noexcept;
  [[nodiscard]] tasks::Reason refusal(const tasks::Task& task, std::uint32_t admitted_under,
                                      bool is_spoofed, Tsc now) const noexcept;

  void begin_trace(const Assignment& assignment, Tsc now) noexcept;
  void take_turns(Tsc now) noexcept;
  [[nodiscard]] Item keep(const Assignment& assignment) noexcept;
  [[nodiscard]] Item kept(const Chosen& candidate) noexcept;
  void file(Item item, Tsc now) noexcept;
  void defer(Item item, Tsc now) noexcept;
  void put_off(const Chosen& candidate, Tsc now) noexcept;
  void await_place(const Chosen& candidate, Tsc now) noexcept;
  void await_port(const Chosen& candidate, Tsc now) noexcept;
  void fail(Item item, tasks::Reason reason) noexcept;
  void fail(const Chosen& candidate, tasks::Reason reason) noexcept;

  const Surroundings around_;
  TotalRate& total_;
  Traces& traces_;
  Ends& ends_;

  SpscRing<Assignment> mailbox_;
  std::vector<tasks::QueuedTask> singles_;
  std::vector<std::uint32_t> free_singles_;
  std::vector<Held> held_;  // by number: singles, then traces
  Schedule schedule_;
  std::vector<Deferred> deferred_;  // a ring, in the order of `again`
  std::size_t deferred_first_ = 0;
  std::size_t deferred_count_ = 0;

  const SendPolicy* policy_ = nullptr;
  std::uint32_t policy_number_ = 0;
  bool has_rested_ = true;  // there was nothing to send in the last round
  bool is_draining_ = false;
  std::uint32_t drained_ = 0;  // numbers looked at
};

}  // namespace backsight::engine
