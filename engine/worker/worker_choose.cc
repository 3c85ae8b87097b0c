// Which probes leave now: what the schedule lets go, and what stands in the mailbox and no limit
// holds. Such a task goes from the mailbox straight into its packet.
#include <algorithm>
#include <utility>

#include "engine/worker/worker.h"
#include "probes/assert.h"

namespace backsight::engine {
namespace {

// A task that finds no place among the neighbours for so long fails.
constexpr std::uint64_t kPlacePatienceMs = 10'000;

}  // namespace

Schedule::Send Worker::send_of(const tasks::Task& task, bool is_spoofed) noexcept {
  return {.dst = task.dst,
          .spoofed_src = is_spoofed ? task.src : probes::Ipv4Addr{},
          .has_options =
              task.kind == probes::Kind::kRecordRoute || task.kind == probes::Kind::kTimestamp};
}

// Another policy in force holds for what waits at a port too: that ends here, unless it was sent.
void Worker::apply_policy() noexcept {
  const std::uint32_t number = policy_ == nullptr ? 0 : policy_->number();
  if (std::exchange(policy_number_, number) == number) return;
  for (const auto& lane : lanes_) {
    if (lane->burst.size() != 0) give_up(*lane, tasks::Reason::kTransmit);
  }
}

// What the policy in force says to a probe that another one admitted.
inline tasks::Reason Worker::policy_refusal(const tasks::Task& task, std::uint32_t admitted_under,
                                            bool is_spoofed, Tsc now) const noexcept {
  if (admitted_under == policy_number_ || policy_ == nullptr) return tasks::Reason::kNone;
  constexpr std::uint64_t kNsOfASecond = 1'000'000'000;
  return policy_->refusal(task, is_spoofed,
                          static_cast<std::int64_t>(shared_.clock.to_unix_ns(now) / kNsOfASecond));
}

// Adds the probe to chosen_ if its next hop is known; else it is put off, or fails.
inline void Worker::try_choose(const tasks::QueuedTask& queued, std::uint32_t item,
                               std::uint8_t port, bool is_spoofed, Tsc now) noexcept {
  // Field by field: a copy of a struct just written would wait for its parts to reach the cache.
  Chosen& chosen = chosen_[chosen_count_];
  chosen.queued = &queued;
  chosen.item = item;
  chosen.port = port;
  chosen.is_spoofed = is_spoofed;
  if (lanes_[port]->is_held) return await_port(chosen, now);
  const Neighbours::Found hop = lanes_[port]->port.neighbours().find(queued.task.dst, now);
  chosen.next_hop = hop.packed_mac;
  if (hop.state == Neighbours::State::kKnown) {
    ++chosen_count_;
  } else if (hop.state == Neighbours::State::kAsking) {
    put_off(chosen, now);
  } else if (hop.state == Neighbours::State::kFull) {
    await_place(chosen, now);
  } else {
    fail(chosen, hop.state == Neighbours::State::kAbsent ? tasks::Reason::kNeighbour
                                                         : tasks::Reason::kNoRoute);
  }
}

// Fills chosen_, as far as slots and rates allow. True if it did anything. What was drawn from the
// mailbox stands there until the burst is crafted.
bool Worker::choose(Tsc now) noexcept {
  const std::size_t offered = tasks_.available(kBurst);
  const auto wake = schedule_.next_wake(now);
  const bool is_due = wake && *wake <= now;
  if (!is_due && offered == 0) {
    has_rested_ = true;
    return false;
  }
  if (std::exchange(has_rested_, false)) shared_.total.rest_until(now);
  const std::uint32_t room = inflight_.capacity() - inflight_.used();
  if (room == 0) ++counters_.inflight_full;
  const auto want = static_cast<std::uint32_t>(
      std::min<std::size_t>({kBurst, room, schedule_.waiting() + offered}));
  const std::uint32_t granted = want == 0 ? 0 : shared_.total.take(now, want);
  // Traces under way and new tasks share what there is.
  choose_scheduled(offered == 0 ? granted : granted - granted / 2, now);
  const bool drew = take_from_mailbox(granted, now);
  choose_scheduled(granted, now);
  if (chosen_count_ < granted) {
    shared_.total.give_back(granted - static_cast<std::uint32_t>(chosen_count_));
  }
  return drew || chosen_count_ != 0;
}

// What cannot be sent is not chosen and ends in a report: hence the bound on what is looked at.
void Worker::choose_scheduled(std::size_t until, Tsc now) noexcept {
  for (std::size_t looked = 0; chosen_count_ < until && looked < kBurst; ++looked) {
    const auto item = schedule_.pop(now);
    if (!item) return;
    set_waiting(*item, false);
    const bool is_spoofed = !is_trace(*item) && singles_[*item].assignment.is_spoofed;
    const tasks::Task& task = queued_of(*item).task;
    const std::uint32_t admitted_under =
        is_trace(*item) ? traces_[*item - waiting_].policy : singles_[*item].assignment.policy;
    const tasks::Reason reason = policy_refusal(task, admitted_under, is_spoofed, now);
    if (reason != tasks::Reason::kNone) {
      fail(*item, reason);
      continue;
    }
    if (is_trace(*item)) traces_[*item - waiting_].policy = policy_number_;
    try_choose(queued_of(*item), *item, port_of(*item), is_spoofed, now);
  }
}

// Takes tasks from the mailbox, in order: those that a limit holds are filed, others chosen until
// there are `until`. True if it took any.
bool Worker::take_from_mailbox(std::size_t until, Tsc now) noexcept {
  const std::size_t offered = tasks_.available(kBurst);
  for (; drawn_ < offered; ++drawn_) {
    const Assignment& assignment = tasks_.front(drawn_);
    const tasks::Task& task = assignment.queued.task;
    if (task.kind == probes::Kind::kTrace) {
      begin_trace(assignment, now);
      continue;
    }
    // Each of the chosen may need a single yet, to be put off.
    if (free_singles_.size() <= chosen_count_) break;
    if (schedule_.is_held(send_of(task, assignment.is_spoofed))) {
      schedule(keep_single(assignment), now);
      continue;
    }
    if (chosen_count_ >= until) break;
    const tasks::Reason reason =
        policy_refusal(task, assignment.policy, assignment.is_spoofed, now);
    if (reason != tasks::Reason::kNone) {
      fail(assignment.queued, reason);
      continue;
    }
    try_choose(assignment.queued, kDirect, assignment.port, assignment.is_spoofed, now);
  }
  counters_.tasks += drawn_;
  return drawn_ != 0;
}

void Worker::put_off(const Chosen& candidate, Tsc now) noexcept {
  const std::uint32_t item = kept(candidate);
  unplaced_since(item) = {};
  defer(item, now);
}

// The destination is on the link, and more others than are asked for at once are before it.
void Worker::await_place(const Chosen& candidate, Tsc now) noexcept {
  const std::uint32_t item = kept(candidate);
  Tsc& since = unplaced_since(item);
  if (since == Tsc{}) since = now;
  if (now.since(since) > shared_.clock.from_ms(kPlacePatienceMs)) {
    return fail(item, tasks::Reason::kNeighboursFull);
  }
  defer(item, now);
}

// The candidate's item: what came straight from the mailbox gets one.
std::uint32_t Worker::kept(const Chosen& candidate) noexcept {
  if (candidate.item != kDirect) return candidate.item;
  return keep_single(
      {.queued = *candidate.queued, .port = candidate.port, .is_spoofed = candidate.is_spoofed});
}

Tsc& Worker::unplaced_since(std::uint32_t item) noexcept {
  return is_trace(item) ? traces_[item - waiting_].unplaced_since : singles_[item].unplaced_since;
}

std::uint32_t Worker::keep_single(const Assignment& assignment) noexcept {
  BACKSIGHT_ASSERT(!free_singles_.empty());
  const std::uint32_t item = free_singles_.back();
  free_singles_.pop_back();
  singles_[item].assignment = assignment;
  singles_[item].unplaced_since = {};
  return item;
}

// Ends what waits, as many items a round as it has room to report. Comes round again for tasks that
// were on their way.
bool Worker::drain() noexcept {
  const std::size_t late = tasks_.available(kBurst);
  for (std::size_t i = 0; i < late; ++i) fail(tasks_.front(i).queued, tasks::Reason::kStopped);
  tasks_.release(late);
  counters_.tasks += late;
  const auto items = static_cast<std::uint32_t>(waiting_ + traces_.size());
  std::uint32_t ended = 0;
  for (std::uint32_t step = 0; step < items && ended < kBurst; ++step) {
    const std::uint32_t item = drained_;
    drained_ = drained_ + 1 == items ? 0 : drained_ + 1;
    const bool waits =
        is_trace(item) ? traces_[item - waiting_].is_waiting : singles_[item].is_waiting;
    if (!waits) continue;
    set_waiting(item, false);
    fail(item, tasks::Reason::kStopped);
    ++ended;
  }
  for (const auto& lane : lanes_) {
    if (lane->burst.size() != 0) give_up(*lane, tasks::Reason::kTransmit);
  }
  return late + ended != 0;
}

}  // namespace backsight::engine
