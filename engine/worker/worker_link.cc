// What a worker does when a port is held, because its link or interface went, and when it goes on.
#include <algorithm>
#include <utility>

#include "engine/worker/worker.h"

namespace backsight::engine {
namespace {

// How long probes wait for a port that is held, before they end.
constexpr std::uint64_t kLinkPatienceMs = 5'000;

}  // namespace

// The port's era is another one: it is held, or may be used again.
void Worker::follow_port(Lane& lane) noexcept {
  const Tsc now = shared_.clock.now();
  lane.era = lane.port.era();
  const bool was_held = std::exchange(lane.is_held, Port::is_held(lane.era));
  if (!lane.is_held) {
    lane.queue = lane.port.queue(index_);
    lane.mac = lane.port.mac();
    lane.next_hop = 0;
    interrupt(lane, now);
    return;
  }
  if (!was_held) {
    lane.held_since = now;
    // What came before: read later, it would seem to have taken longer.
    if (lane.queue.pool() != nullptr) receive(lane);
  }
  interrupt(lane, {~std::uint64_t{0}});
  read(lane, lane.received[lane.turn ^ 1U]);
  give_up(lane, tasks::Reason::kLink);  // its device may be another one next
  lane.port.let_go(index_, lane.era);
}

void Worker::interrupt(Lane& lane, Tsc until) noexcept {
  lane.interrupted_until = until;
  const auto of_lane = [](const auto& it) { return it->interrupted_until; };
  interrupted_until_ = of_lane(*std::ranges::max_element(lanes_, {}, of_lane));
}

// The probe's port is held: it waits, but not for ever.
void Worker::await_port(const Chosen& candidate, Tsc now) noexcept {
  const Lane& lane = *lanes_[candidate.port];
  if (now.since(lane.held_since) < shared_.clock.from_ms(kLinkPatienceMs)) {
    put_off(candidate, now);
  } else {
    fail(candidate, tasks::Reason::kLink);
  }
}

// No reply came, and while it was waited for the port was held: that says nothing of the
// destination.
void Worker::end_interrupted(const Flight& flight) noexcept {
  if (flight.trace != kNoTrace) {
    report_hop({.sent = flight.sent, .trace = flight.trace});
    return end_trace(flight.trace, tasks::Outcome::kSendFailed, tasks::Reason::kLink);
  }
  ++counters_.results[tasks::Outcome::kSendFailed];
  reports_.add({.kind = flight.kind,
                .outcome = tasks::Outcome::kSendFailed,
                .reason = tasks::Reason::kLink,
                .task = flight.task,
                .position = flight.position,
                .at = flight.sent,
                .src = source_of(flight),
                .dst = flight.dst});
}

}  // namespace backsight::engine
