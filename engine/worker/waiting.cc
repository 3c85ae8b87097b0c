#include "engine/worker/waiting.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/device/neighbours.h"
#include "probes/assert.h"

namespace backsight::engine {
namespace {

constexpr std::size_t kMailbox = 1024;
// How soon what was put off is tried again.
constexpr std::uint64_t kDeferMs = 20;
// A task that finds no place among the neighbours for so long fails, and one whose port is held.
constexpr std::uint64_t kPlacePatienceMs = 10'000;
constexpr std::uint64_t kLinkPatienceMs = 5'000;

Schedule::Send send_of(const tasks::Task& task, bool is_spoofed) noexcept {
  return {.dst = task.dst,
          .spoofed_src = is_spoofed ? task.src : probes::Ipv4Addr{},
          .has_options =
              task.kind == probes::Kind::kRecordRoute || task.kind == probes::Kind::kTimestamp};
}

}  // namespace

Waiting::Waiting(const WorkerSetup& setup, const Surroundings& around, TotalRate& total,
                 Traces& traces, Ends& ends)
    : around_(around),
      total_(total),
      traces_(traces),
      ends_(ends),
      mailbox_(kMailbox),
      singles_(setup.engine.waiting),
      free_singles_(setup.engine.waiting),
      held_(setup.engine.waiting + traces.capacity()),
      schedule_(setup.limits, setup.engine.waiting + traces.capacity(), setup.places,
                around.clock.hz()),
      deferred_(held_.size()) {
  std::iota(free_singles_.rbegin(), free_singles_.rend(), 0U);
}

// What the lists in force say to a probe that others admitted.
inline tasks::Reason Waiting::refusal(const tasks::Task& task, std::uint32_t admitted_under,
                                      bool is_spoofed, Tsc now) const noexcept {
  if (admitted_under == policy_number_ || policy_ == nullptr) return tasks::Reason::kNone;
  constexpr std::uint64_t kNsOfASecond = 1'000'000'000;
  return policy_->refusal(task, is_spoofed,
                          static_cast<std::int64_t>(around_.clock.to_unix_ns(now) / kNsOfASecond));
}

bool Waiting::follow(const SendPolicy* policy) noexcept {
  policy_ = policy;
  const std::uint32_t number = policy == nullptr ? 0 : policy->number();
  return std::exchange(policy_number_, number) != number;
}

// Chooses the probe if its next hop is known; else it is put off, or fails.
inline void Waiting::try_choose(const tasks::QueuedTask& queued, Item item, std::uint8_t port,
                                bool is_spoofed, Tsc now, Selection& out) noexcept {
  // Field by field: a copy of a struct just written would wait for its parts to reach the cache.
  Chosen& chosen = out.room[out.count];
  chosen.queued = &queued;
  chosen.item = item;
  chosen.port = port;
  chosen.ttl = item.is_trace() ? traces_.ttl(item.index()) : queued.task.ttl;
  chosen.is_spoofed = is_spoofed;
  const Lane& lane = around_.lanes[port];
  if (lane.is_held) return await_port(chosen, now);
  const Neighbours::Found hop = lane.neighbours.find(queued.task.dst, now);
  chosen.next_hop = hop.packed_mac;
  if (hop.state == Neighbours::State::kKnown) {
    ++out.count;
  } else if (hop.state == Neighbours::State::kAsking) {
    put_off(chosen, now);
  } else if (hop.state == Neighbours::State::kFull) {
    await_place(chosen, now);
  } else {
    fail(chosen, hop.state == Neighbours::State::kAbsent ? tasks::Reason::kNeighbour
                                                         : tasks::Reason::kNoRoute);
  }
}

bool Waiting::choose(Tsc now, std::uint32_t slots, Selection& out) noexcept {
  const std::size_t offered = mailbox_.available(kBurst);
  const auto wake = schedule_.next_wake(now);
  const bool is_due = wake && *wake <= now;
  if (!is_due && offered == 0) {
    has_rested_ = true;
    return false;
  }
  if (std::exchange(has_rested_, false)) total_.rest_until(now);
  if (slots == 0) ++around_.counters.inflight_full;
  const auto want = static_cast<std::uint32_t>(
      std::min<std::size_t>({kBurst, slots, schedule_.waiting() + offered}));
  const std::uint32_t granted = want == 0 ? 0 : total_.take(now, want);
  // Traces under way and new tasks share what there is.
  choose_scheduled(offered == 0 ? granted : granted - granted / 2, now, out);
  const bool drew = choose_offered(granted, now, out);
  choose_scheduled(granted, now, out);
  if (out.count < granted) total_.give_back(granted - static_cast<std::uint32_t>(out.count));
  return drew || out.count != 0;
}

// What cannot be sent is not chosen and ends in a report: hence the bound on what is looked at.
void Waiting::choose_scheduled(std::size_t until, Tsc now, Selection& out) noexcept {
  for (std::size_t looked = 0; out.count < until && looked < kBurst; ++looked) {
    const auto number = schedule_.pop(now);
    if (!number) return;
    const Item item = item_of(*number);
    Held& it = held_[*number];
    it.is_waiting = false;
    const tasks::QueuedTask& queued = queued_of(item);
    const tasks::Reason reason = refusal(queued.task, it.policy, it.is_spoofed, now);
    if (reason != tasks::Reason::kNone) {
      fail(item, reason);
      continue;
    }
    it.policy = policy_number_;
    try_choose(queued, item, it.port, it.is_spoofed, now, out);
  }
}

// Takes tasks from the mailbox, in order: those that a limit holds are filed, others chosen until
// there are `until`. True if it took any.
bool Waiting::choose_offered(std::size_t until, Tsc now, Selection& out) noexcept {
  const std::size_t offered = mailbox_.available(kBurst);
  for (; out.drawn < offered; ++out.drawn) {
    const Assignment& assignment = mailbox_.front(out.drawn);
    const tasks::Task& task = assignment.queued.task;
    if (task.kind == probes::Kind::kTrace) {
      begin_trace(assignment, now);
      continue;
    }
    // Each of the chosen may need a single yet, to be put off.
    if (free_singles_.size() <= out.count) break;
    if (schedule_.is_held(send_of(task, assignment.is_spoofed))) {
      file(keep(assignment), now);
      continue;
    }
    if (out.count >= until) break;
    const tasks::Reason reason = refusal(task, assignment.policy, assignment.is_spoofed, now);
    if (reason != tasks::Reason::kNone) {
      ends_.not_sent(assignment.queued, reason);
      continue;
    }
    try_choose(assignment.queued, Item::direct(), assignment.port, assignment.is_spoofed, now, out);
  }
  around_.counters.tasks += out.drawn;
  return out.drawn != 0;
}

void Waiting::take_back(Selection& selection, std::uint64_t ports, Tsc now) noexcept {
  const std::span<Chosen> chosen(selection.room.data(), selection.count);
  const auto is_among = [ports](const Chosen& it) { return (ports >> it.port & 1) != 0; };
  for (const Chosen& it : chosen) {
    if (is_among(it)) put_off(it, now);
  }
  const auto end = std::remove_if(chosen.begin(), chosen.end(), is_among);
  total_.give_back(static_cast<std::uint32_t>(chosen.end() - end));
  selection.count = static_cast<std::size_t>(end - chosen.begin());
}

void Waiting::release(const Selection& selection) noexcept {
  for (const Chosen& it : selection.chosen()) {
    if (it.item.kind() == Item::Kind::kSingle) free_singles_.push_back(it.item.index());
  }
  mailbox_.release(selection.drawn);
}

void Waiting::begin_trace(const Assignment& assignment, Tsc now) noexcept {
  const std::uint32_t trace = traces_.begin(assignment.queued);
  held(Item::trace(trace)) = {.policy = assignment.policy, .port = assignment.port};
  take_turns(now);
}

void Waiting::take_turns(Tsc now) noexcept {
  traces_.take_turns([this, now](std::uint32_t trace) { file(Item::trace(trace), now); });
}

bool Waiting::gather(Tsc now) noexcept {
  take_turns(now);
  bool did = false;
  for (std::size_t left = deferred_count_; left > 0; --left) {
    const Deferred first = deferred_[deferred_first_];
    if (first.again > now) break;
    deferred_first_ = (deferred_first_ + 1) % deferred_.size();
    --deferred_count_;
    file(first.item, now);
    did = true;
  }
  return did;
}

// The item waits for its limits.
void Waiting::file(Item item, Tsc now) noexcept {
  Held& it = held(item);
  it.is_waiting = true;
  // drain() ends it. The schedule may still hold the item for the task that had it before.
  if (is_draining_) return;
  const Schedule::Send send = send_of(queued_of(item).task, it.is_spoofed);
  if (!schedule_.push(number_of(item), send, now)) defer(item, now);
}

// The item waits for a moment; it then passes the limits anew.
void Waiting::defer(Item item, Tsc now) noexcept {
  held(item).is_waiting = true;
  BACKSIGHT_ASSERT(deferred_count_ < deferred_.size());
  deferred_[(deferred_first_ + deferred_count_++) % deferred_.size()] = {
      item, now + around_.clock.from_ms(kDeferMs)};
}

void Waiting::put_off(const Chosen& candidate, Tsc now) noexcept {
  const Item item = kept(candidate);
  held(item).unplaced_since = {};
  defer(item, now);
}

// The destination is on the link, and more others than are asked for at once are before it.
void Waiting::await_place(const Chosen& candidate, Tsc now) noexcept {
  const Item item = kept(candidate);
  Tsc& since = held(item).unplaced_since;
  if (since == Tsc{}) since = now;
  if (now.since(since) > around_.clock.from_ms(kPlacePatienceMs)) {
    return fail(item, tasks::Reason::kNeighboursFull);
  }
  defer(item, now);
}

// The probe's port is held: it waits, but not for ever.
void Waiting::await_port(const Chosen& candidate, Tsc now) noexcept {
  if (now.since(around_.lanes[candidate.port].held_since) <
      around_.clock.from_ms(kLinkPatienceMs)) {
    put_off(candidate, now);
  } else {
    fail(candidate, tasks::Reason::kLink);
  }
}

// The candidate's item: what came straight from the mailbox gets one.
Item Waiting::kept(const Chosen& candidate) noexcept {
  if (candidate.item != Item::direct()) return candidate.item;
  return keep({.queued = *candidate.queued,
               .policy = policy_number_,
               .port = candidate.port,
               .is_spoofed = candidate.is_spoofed});
}

Item Waiting::keep(const Assignment& assignment) noexcept {
  BACKSIGHT_ASSERT(!free_singles_.empty());
  const Item item = Item::single(free_singles_.back());
  free_singles_.pop_back();
  singles_[item.index()] = assignment.queued;
  held(item) = {
      .policy = assignment.policy, .port = assignment.port, .is_spoofed = assignment.is_spoofed};
  return item;
}

// It cannot be sent: its task ends here.
void Waiting::fail(Item item, tasks::Reason reason) noexcept {
  if (item.is_trace()) return traces_.fail(item.index(), reason);
  ends_.not_sent(singles_[item.index()], reason);
  free_singles_.push_back(item.index());
}

void Waiting::fail(const Chosen& candidate, tasks::Reason reason) noexcept {
  if (candidate.item != Item::direct()) return fail(candidate.item, reason);
  ends_.not_sent(*candidate.queued, reason);
}

bool Waiting::drain(Tsc now) noexcept {
  take_turns(now);
  const std::size_t late = mailbox_.available(kBurst);
  for (std::size_t i = 0; i < late; ++i) {
    ends_.not_sent(mailbox_.front(i).queued, tasks::Reason::kStopped);
  }
  mailbox_.release(late);
  around_.counters.tasks += late;
  const auto numbers = static_cast<std::uint32_t>(held_.size());
  std::uint32_t ended = 0;
  for (std::uint32_t step = 0; step < numbers && ended < kBurst; ++step) {
    const std::uint32_t number = drained_;
    drained_ = drained_ + 1 == numbers ? 0 : drained_ + 1;
    if (!std::exchange(held_[number].is_waiting, false)) continue;
    fail(item_of(number), tasks::Reason::kStopped);
    ++ended;
  }
  return late + ended != 0;
}

std::optional<Tsc> Waiting::next_due(Tsc now, bool has_slot) noexcept {
  std::optional<Tsc> due;
  const auto is_due_at = [&due](Tsc at) { due = due ? std::min(*due, at) : at; };
  if (deferred_count_ != 0) is_due_at(deferred_[deferred_first_].again);
  if (!has_slot) return due;
  // What is ready waits for the total rate. A task for which there is no single waits for one.
  const bool has_task =
      mailbox_.available(1) != 0 &&
      (!free_singles_.empty() || mailbox_.front(0).queued.task.kind == probes::Kind::kTrace);
  if (has_task) is_due_at(total_.next(now));
  if (const auto wake = schedule_.next_wake(now)) {
    is_due_at(*wake > now ? *wake : total_.next(now));
  }
  return due;
}

}  // namespace backsight::engine
