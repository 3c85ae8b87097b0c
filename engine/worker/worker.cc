#include "engine/worker/worker.h"

#include <rte_pause.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <chrono>

#include "probes/assert.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTaskRing = 1024;
constexpr std::size_t kOrderRing = 64;
constexpr std::size_t kReportCells = 16384;
constexpr std::size_t kInbox = 1024;
constexpr std::size_t kMaxExpired = 128;  // a round
constexpr std::size_t kInboxBurst = 32;
constexpr std::uint32_t kGaugeRounds = 256;
// How soon a probe whose neighbour is being asked for is tried again.
constexpr std::uint64_t kDeferMs = 20;
// Rounds without anything to do before the first nap, and the nap: while something is under way
// with any of the workers, and while nothing is.
constexpr unsigned kRoundsBeforeNap = 64;
constexpr unsigned kRoundsBeforeLongNap = 8;
constexpr std::chrono::nanoseconds kShortNap = 50us;
constexpr std::chrono::nanoseconds kFirstLongNap = 500us;
constexpr std::chrono::nanoseconds kLongestNap = 15ms;

// The most that a round may report: what each port receives, two bursts at the most, what it sent
// or gave up before and after the new burst, what comes from the inboxes, what expires, and what of
// the schedule (looked at twice) and the mailbox cannot be sent.
constexpr std::size_t most_reports(std::size_t ports, std::size_t workers) {
  return 4 * kBurst * ports + kInboxBurst * workers + kMaxExpired + 3 * kBurst;
}

std::vector<std::uint32_t> all_of(std::uint32_t count) {
  std::vector<std::uint32_t> numbers(count);
  for (std::uint32_t i = 0; i < count; ++i) numbers[i] = count - 1 - i;
  return numbers;
}

}  // namespace

Worker::Worker(const WorkerSetup& setup, Shared& shared)
    : index_(setup.index),
      waiting_(setup.engine.waiting),
      max_reports_(most_reports(shared.ports.size(), setup.workers)),
      idle_(setup.engine.idle),
      long_nap_(kFirstLongNap, kLongestNap),
      shared_(shared),
      keys_(setup.keys),
      inflight_(setup.engine.inflight, setup.index, setup.workers, shared.cipher, shared.clock,
                setup.want_huge),
      schedule_(setup.limits, setup.engine.waiting + setup.engine.traces, setup.places,
                shared.clock.hz()),
      seen_(setup.engine.inflight),
      singles_(setup.engine.waiting),
      free_singles_(all_of(setup.engine.waiting)),
      traces_(setup.engine.traces, false),
      free_traces_(all_of(setup.engine.traces)),
      udp_traces_(setup.engine.traces),
      deferred_(std::size_t{setup.engine.waiting} + setup.engine.traces),
      tasks_(kTaskRing),
      orders_(kOrderRing),
      reports_(std::max(kReportCells, std::bit_ceil(2 * max_reports_ * ReportRing::kMaxCells))) {
  for (Port* port : shared.ports) {
    addresses_[lanes_.size()] = port->config().address;
    lanes_.push_back(std::make_unique<Lane>(*port, port->queue(setup.index)));
  }
  for (unsigned i = 0; i < setup.workers; ++i) {
    inboxes_.push_back(std::make_unique<SpscRing<HopReport>>(kInbox));
  }
  all_.push_back(this);
}

void Worker::connect(std::span<Worker* const> all) { all_.assign(all.begin(), all.end()); }

void Worker::run() noexcept {
  // Naps end when they should, not up to 50 us later.
  prctl(PR_SET_TIMERSLACK, 1UL);
  inflight_.touch();
  unsigned idle_rounds = 0;
  Tsc last = shared_.clock.now();
  const auto count_since_last = [this, &last](Counter& ticks) {
    const Tsc now = shared_.clock.now();
    ticks += now.since(last).ticks;
    last = now;
  };
  while (!shared_.is_stopping.load(std::memory_order_relaxed)) {
    const bool was_busy = round();
    count_since_last(was_busy ? counters_.busy_ticks : counters_.idle_ticks);
    idle_rounds = was_busy ? 0 : idle_rounds + 1;
    if (was_busy) {
      if (!has_work_.load(std::memory_order_relaxed)) {
        has_work_.store(true, std::memory_order_relaxed);
      }
      continue;
    }
    nap(idle_rounds);
    count_since_last(counters_.idle_ticks);
  }
  publish_gauges();
}

// Replies to one worker's probes may come to another's queue, and leave through it.
bool Worker::is_anything_under_way() noexcept {
  const bool is_mine = inflight_.used() != 0 || schedule_.waiting() != 0 || deferred_count_ != 0 ||
                       tasks_.available(1) != 0;
  has_work_.store(is_mine, std::memory_order_relaxed);
  return std::ranges::any_of(
      all_, [](const Worker* it) { return it->has_work_.load(std::memory_order_relaxed); });
}

void Worker::nap(unsigned idle_rounds) noexcept {
  if (idle_ == config::EngineConfig::Idle::kPoll || idle_rounds < kRoundsBeforeLongNap) {
    rte_pause();
    return;
  }
  const bool is_under_way = is_anything_under_way();
  if (is_under_way && idle_rounds < kRoundsBeforeNap) {
    rte_pause();
    return;
  }
  if (idle_rounds == kRoundsBeforeLongNap || idle_rounds == kRoundsBeforeNap) publish_gauges();
  if (!is_under_way) {
    if (idle_rounds == kRoundsBeforeLongNap) long_nap_.reset();
    if (doze_.sleep(long_nap_.next(), [this] { return tasks_.available(1) != 0; })) {
      long_nap_.reset();
    }
    return;
  }
  long_nap_.reset();
  std::uint64_t nap_ns = static_cast<std::uint64_t>(kShortNap.count());
  const Tsc now = shared_.clock.now();
  // What is ready already waits for the total rate, whose bursts are longer than a short nap.
  if (const auto wake = schedule_.next_wake(now); wake && *wake > now) {
    nap_ns = std::min(nap_ns, shared_.clock.to_ns(wake->since(now)) + 1);
  }
  const timespec time{0, static_cast<long>(nap_ns)};
  nanosleep(&time, nullptr);
}

bool Worker::round() noexcept {
  ++counters_.rounds;
  const std::uint64_t rounds = counters_.rounds.value();
  if (rounds % kGaugeRounds == 0) publish_gauges();
  is_timed_ = rounds % kStageRounds == 0;
  if (is_timed_) lap_began_ = shared_.clock.now();
  // Acquire: pairs with the release of who put it in force.
  policy_ = shared_.policy.load(std::memory_order_acquire);
  bool did = take_orders();
  if (!reports_.has_room(max_reports_)) {
    ++counters_.results_full;
    return did;
  }
  for (const auto& lane : lanes_) {
    if (lane->port.era() != lane->era) follow_port(*lane);
    if (!lane->is_held) did |= receive(*lane);
  }
  const Tsc now = shared_.clock.now();
  did |= take_answered_hops(now);
  did |= expire(now);
  if (is_draining_) {
    did |= drain();
  } else {
    did |= retry_deferred(now);
    // In silence tasks stay where they are.
    if (!shared_.is_silenced.load(std::memory_order_relaxed)) did |= send(now);
  }
  reports_.publish();
  return did;
}

std::optional<Tsc> Worker::next_due() noexcept {
  const Tsc now = shared_.clock.now();
  std::optional<Tsc> due = inflight_.next_expiry(now);
  const auto is_due_at = [&due](Tsc at) { due = due ? std::min(*due, at) : at; };
  if (deferred_count_ != 0) is_due_at(deferred_[deferred_first_].again);
  if (inflight_.used() == inflight_.capacity()) return due;
  // What is ready waits for the total rate. A task for which there is no single waits for one.
  const bool has_task =
      tasks_.available(1) != 0 &&
      (!free_singles_.empty() || tasks_.front(0).queued.task.kind == probes::Kind::kTrace);
  if (has_task) is_due_at(shared_.total.next(now));
  if (const auto wake = schedule_.next_wake(now)) {
    is_due_at(*wake > now ? *wake : shared_.total.next(now));
  }
  return due;
}

// The stage that ends now took the time since the last one ended, and moved so many packets.
void Worker::lap(Stage stage, std::size_t packets) noexcept {
  if (!is_timed_) return;
  const Tsc now = shared_.clock.now();
  counters_.stage_ticks[stage] += now.since(lap_began_).ticks;
  counters_.stage_packets[stage] += packets;
  lap_began_ = now;
}

bool Worker::take_orders() noexcept {
  std::array<Order, 32> orders;
  const std::size_t count = orders_.pop(orders);
  for (const Order& order : std::span(orders).first(count)) {
    switch (order.what) {
      case Order::What::kLimits:
        schedule_.set_limits(order.limits);
        break;
      case Order::What::kKeys:
        keys_ = order.keys;
        break;
      case Order::What::kDrain:
        is_draining_ = true;
        break;
    }
  }
  return count != 0;
}

void Worker::schedule(std::uint32_t item, Tsc now) noexcept {
  set_waiting(item, true);
  // drain() ends it. The schedule may still hold the item for the task that had it before.
  if (is_draining_) return;
  const bool is_spoofed = !is_trace(item) && singles_[item].assignment.is_spoofed;
  if (!schedule_.push(item, send_of(queued_of(item).task, is_spoofed), now)) defer(item, now);
}

void Worker::set_waiting(std::uint32_t item, bool is_waiting) noexcept {
  if (is_trace(item)) {
    traces_[item - waiting_].is_waiting = is_waiting;
  } else {
    singles_[item].is_waiting = is_waiting;
  }
}

// Puts the item off for a moment; it then passes the limits anew.
void Worker::defer(std::uint32_t item, Tsc now) noexcept {
  set_waiting(item, true);
  BACKSIGHT_ASSERT(deferred_count_ < deferred_.size());
  deferred_[(deferred_first_ + deferred_count_++) % deferred_.size()] = {
      item, now + shared_.clock.from_ms(kDeferMs)};
}

bool Worker::retry_deferred(Tsc now) noexcept {
  bool did = false;
  for (std::size_t left = deferred_count_; left > 0; --left) {
    const Deferred first = deferred_[deferred_first_];
    if (first.again > now) break;
    deferred_first_ = (deferred_first_ + 1) % deferred_.size();
    --deferred_count_;
    schedule(first.item, now);
    did = true;
  }
  return did;
}

const tasks::QueuedTask& Worker::queued_of(std::uint32_t item) const noexcept {
  return is_trace(item) ? traces_[item - waiting_].trace.task() : singles_[item].assignment.queued;
}

std::uint8_t Worker::port_of(std::uint32_t item) const noexcept {
  return is_trace(item) ? traces_[item - waiting_].port : singles_[item].assignment.port;
}

// The item cannot be sent: its task ends here.
void Worker::fail(std::uint32_t item, tasks::Reason reason) noexcept {
  if (is_trace(item)) return end_trace(item - waiting_, tasks::Outcome::kSendFailed, reason);
  fail(singles_[item].assignment.queued, reason);
  free_singles_.push_back(item);
}

void Worker::fail(const Chosen& chosen, tasks::Reason reason) noexcept {
  if (chosen.item != kDirect) return fail(chosen.item, reason);
  fail(*chosen.queued, reason);
}

void Worker::fail(const tasks::QueuedTask& queued, tasks::Reason reason) noexcept {
  const tasks::Task& task = queued.task;
  const bool is_trace = task.kind == probes::Kind::kTrace;
  ++counters_.results[tasks::Outcome::kSendFailed];
  reports_.add({.what = is_trace ? ReportKind::kTrace : ReportKind::kProbe,
                .kind = task.kind,
                .outcome = tasks::Outcome::kSendFailed,
                .reason = reason,
                .method = is_trace ? task.method : probes::TraceMethod::kIcmp,
                .task = task.id,
                .position = queued.position,
                .src = task.src,
                .dst = task.dst});
}

void Worker::begin_trace(const Assignment& assignment, Tsc now) noexcept {
  BACKSIGHT_ASSERT(!free_traces_.empty());
  const std::uint32_t index = free_traces_.back();
  free_traces_.pop_back();
  TraceState& state = traces_[index];
  state.first_sent = {};
  state.handle = 0;
  state.policy = assignment.policy;
  state.port = assignment.port;
  state.unplaced_since = {};
  const tasks::Task& task = assignment.queued.task;
  if (task.method == probes::TraceMethod::kUdp) {
    const std::uint32_t key = udp_key(task.dst, task.flow);
    udp_traces_.erase(key);
    udp_traces_.insert(key, index);
  }
  advance(index, state.trace.start(assignment.queued), now);
}

void Worker::advance(std::uint32_t trace, const tracing::Trace::Step& step, Tsc now) noexcept {
  if (step.is_over) return end_trace(trace, step.outcome, tasks::Reason::kNone);
  schedule(waiting_ + trace, now);
}

// The attempt under way of the hop's trace ended; it still knows which that is.
void Worker::report_hop(HopReport hop) noexcept {
  TraceState& state = traces_[hop.trace];
  if (state.first_sent == Tsc{}) state.first_sent = hop.sent;
  hop.ttl = state.trace.ttl();
  hop.attempt = state.trace.attempt();
  reports_.add(hop);
}

void Worker::answer_hop(const HopReport& hop, Tsc now) noexcept {
  report_hop(hop);
  advance(hop.trace, traces_[hop.trace].trace.answered(hop.reply), now);
}

void Worker::end_trace(std::uint32_t index, tasks::Outcome outcome, tasks::Reason reason) noexcept {
  const TraceState& state = traces_[index];
  const tasks::QueuedTask& queued = state.trace.task();
  const std::uint32_t key = udp_key(queued.task.dst, queued.task.flow);
  if (const std::uint32_t* found = udp_traces_.find(key); found != nullptr && *found == index) {
    udp_traces_.erase(key);
  }
  ++counters_.results[outcome];
  reports_.add({.what = ReportKind::kTrace,
                .kind = queued.task.kind,
                .outcome = outcome,
                .reason = reason,
                .method = queued.task.method,
                .task = queued.task.id,
                .position = queued.position,
                .at = state.first_sent,
                .src = queued.task.src,
                .dst = queued.task.dst,
                .trace = index});
  free_traces_.push_back(index);
}

bool Worker::take_answered_hops(Tsc now) noexcept {
  bool did = false;
  std::array<HopReport, kInboxBurst> answered;
  for (const auto& inbox : inboxes_) {
    const std::size_t count = inbox->pop(answered);
    for (const HopReport& hop : std::span(answered).first(count)) answer_hop(hop, now);
    did |= count != 0;
  }
  return did;
}

bool Worker::expire(Tsc now) noexcept {
  std::uint64_t silent = 0;
  const auto on_expired = [this, now, &silent](const Flight& flight) {
    if (flight.sent < interrupted_until_ && flight.sent < lanes_[flight.port]->interrupted_until) {
      return end_interrupted(flight);
    }
    if (flight.trace != kNoTrace) {
      report_hop({.sent = flight.sent, .trace = flight.trace});
      advance(flight.trace, traces_[flight.trace].trace.timed_out(), now);
      return;
    }
    ++silent;
    reports_.add({.kind = flight.kind,
                  .outcome = tasks::Outcome::kTimedOut,
                  .task = flight.task,
                  .position = flight.position,
                  .at = flight.sent,
                  .src = source_of(flight),
                  .dst = flight.dst});
  };
  const std::size_t ended = inflight_.expire(now, kMaxExpired, on_expired);
  counters_.results[tasks::Outcome::kTimedOut] += silent;
  lap(Stage::kExpire, ended);
  return ended != 0;
}

void Worker::publish_gauges() noexcept {
  counters_.inflight.set(inflight_.used());
  counters_.waiting.set(schedule_.waiting() + deferred_count_);
  counters_.traces.set(traces_.size() - free_traces_.size());
}

}  // namespace backsight::engine
