// Who gets the end of a probe: the trace that it is an attempt of, or else control, in a report.
// Whoever receives, expires or sends tells it here, and knows no more of them.
// Thread: the worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/device/tsc.h"
#include "engine/worker/flight_slot.h"
#include "engine/worker/report.h"
#include "engine/worker/spsc_ring.h"
#include "engine/worker/surroundings.h"
#include "engine/worker/traces.h"
#include "probes/ip/address.h"
#include "probes/reading/reply.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::engine {

class Ends {
 public:
  // Of one worker of so many. The others outlive this. Throws std::bad_alloc.
  Ends(unsigned worker, unsigned workers, const Surroundings& around, Traces& traces,
       ReportRing& reports);
  // Makes the workers' ends known to each other, before any worker runs. `all[i]` is worker i's.
  void connect(std::span<Ends* const> all) { all_.assign(all.begin(), all.end()); }

  // The trace's attempt is in flight, under this handle.
  void filed(std::uint32_t trace, std::uint32_t handle) noexcept { traces_.filed(trace, handle); }
  // Whether an answer to the probe, in flight with the worker `owner`, can be told now. Before it
  // is claimed.
  [[nodiscard]] bool can_tell(const Flight& flight, unsigned owner) noexcept {
    return flight.trace == kNoTrace || owner == worker_ || can_hand_over(owner);
  }
  // The first answer in time, claimed. REQUIRES: can_tell() said so.
  void answered(const probes::Reply& reply, tasks::Proof proof, const Flight& flight,
                unsigned owner, Tsc arrived) noexcept;
  // None came.
  void timed_out(const Flight& flight) noexcept;
  // None came, and while it was waited for the port was held: that says nothing of the destination.
  void interrupted(const Flight& flight) noexcept;
  // Claimed by us, as it never left.
  void not_sent(const Flight& flight, tasks::Reason reason) noexcept;
  // A task that cannot be sent. Of a trace: one that has not begun.
  void not_sent(const tasks::QueuedTask& queued, tasks::Reason reason) noexcept;
  // A spoofed probe left: that is its task's end.
  void sent(const tasks::QueuedTask& spoofed, Tsc at) noexcept;
  // The reply to a spoofed probe of the fleet came here.
  void observed(const probes::Reply& reply, const probes::Identity& identity, probes::Kind kind,
                probes::Ipv4Addr destination, Tsc arrived) noexcept;

  // The handle of the UDP probe of this worker that is under way in the flow that is quoted.
  [[nodiscard]] std::optional<std::uint32_t> udp_handle(const probes::Quoted& quoted) noexcept;

  // Tells our traces what other workers claimed for them. True if that was anything.
  bool take_handed_over() noexcept;
  static constexpr std::size_t kMostHandedOver = 32;  // by each worker in one go

 private:
  [[nodiscard]] bool can_hand_over(unsigned owner) noexcept {
    SpscRing<HopReport>& inbox = *all_[owner]->inboxes_[worker_];
    return inbox.free_slots() != 0 || inbox.refreshed_free_slots() != 0;
  }
  void answered_trace(const probes::Reply& reply, tasks::Proof proof, const Flight& flight,
                      unsigned owner, Tsc arrived) noexcept;
  void report(const Flight& flight, tasks::Outcome outcome, tasks::Reason reason,
              Tsc sent) noexcept;

  const unsigned worker_;
  const Surroundings around_;
  Traces& traces_;
  ReportRing& reports_;
  std::vector<Ends*> all_;
  // [i]: attempts of our traces that worker i claimed.
  std::vector<std::unique_ptr<SpscRing<HopReport>>> inboxes_;
};

}  // namespace backsight::engine
