#include "engine/worker/worker.h"

#include <rte_pause.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <utility>

#include "engine/worker/item.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kOrderRing = 64;
constexpr std::size_t kReportCells = 16384;
constexpr std::size_t kMaxExpired = 128;  // a round
constexpr std::uint32_t kGaugeRounds = 256;
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
  return 4 * kBurst * ports + Ends::kMostHandedOver * workers + kMaxExpired + 3 * kBurst;
}

Lane lane_of(Port& port, unsigned worker) {
  return {.neighbours = port.neighbours(),
          .queue = port.queue(worker),
          .mac = port.mac(),
          .shares_mac = port.shares_mac(),
          .answers = port.answers()};
}

std::vector<Lane> lanes_of(const Shared& shared, unsigned worker) {
  std::vector<Lane> lanes;
  for (Port* const port : shared.ports) lanes.push_back(lane_of(*port, worker));
  return lanes;
}

std::vector<probes::Ipv4Addr> addresses_of(const Shared& shared) {
  std::vector<probes::Ipv4Addr> addresses;
  for (const Port* const port : shared.ports) addresses.push_back(port->config().address);
  return addresses;
}

}  // namespace

Worker::Worker(const WorkerSetup& setup, Shared& shared)
    : index_(setup.index),
      max_reports_(most_reports(shared.ports.size(), setup.workers)),
      idle_(setup.engine.idle),
      long_nap_(kFirstLongNap, kLongestNap),
      shared_(shared),
      keys_(setup.keys),
      lanes_(lanes_of(shared, setup.index)),
      addresses_(addresses_of(shared)),
      orders_(kOrderRing),
      reports_(std::max(kReportCells, std::bit_ceil(2 * max_reports_ * ReportRing::kMaxCells))),
      inflight_(setup.engine.inflight, setup.index, setup.workers, shared.cipher, shared.clock,
                setup.want_huge),
      around_({.clock = shared.clock,
               .vp_id = shared.vp_id,
               .keys = keys_,
               .lanes = lanes_,
               .addresses = addresses_,
               .counters = counters_}),
      timer_(shared.clock, counters_),
      traces_(setup.engine.traces, reports_, counters_.results),
      ends_(setup.index, setup.workers, around_, traces_, reports_),
      waiting_(setup, around_, shared.total, traces_, ends_),
      departure_(around_, inflight_, ends_),
      host_(around_, shared.is_silenced),
      matching_(around_, inflight_, ends_),
      arrival_(around_, shared.cipher, matching_, host_, tap_, timer_),
      all_({this}) {}

void Worker::connect(std::span<Worker* const> all) {
  all_.assign(all.begin(), all.end());
  std::vector<Ends*> ends;
  std::vector<InflightRing*> rings;
  for (Worker* const worker : all) {
    ends.push_back(&worker->ends_);
    rings.push_back(&worker->inflight_);
  }
  ends_.connect(ends);
  matching_.connect(rings);
}

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
  const bool is_mine = inflight_.used() != 0 || !waiting_.is_empty();
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
    if (doze_.sleep(long_nap_.next(), [this] { return tasks().available(1) != 0; })) {
      long_nap_.reset();
    }
    return;
  }
  long_nap_.reset();
  std::uint64_t nap_ns = static_cast<std::uint64_t>(kShortNap.count());
  const Tsc now = shared_.clock.now();
  // What is ready already waits for the total rate, whose bursts are longer than a short nap.
  if (const auto wake = waiting_.next_wake(now); wake && *wake > now) {
    nap_ns = std::min(nap_ns, shared_.clock.to_ns(wake->since(now)) + 1);
  }
  const timespec time{0, static_cast<long>(nap_ns)};
  nanosleep(&time, nullptr);
}

bool Worker::round() noexcept {
  ++counters_.rounds;
  const std::uint64_t rounds = counters_.rounds.value();
  if (rounds % kGaugeRounds == 0) publish_gauges();
  timer_.begin_round(rounds);
  // Acquire: pairs with the release of who put it in force.
  const SendPolicy* const policy = shared_.policy.load(std::memory_order_acquire);
  bool did = take_orders();
  if (!reports_.has_room(max_reports_)) {
    ++counters_.results_full;
    return did;
  }
  did |= receive(policy);
  const Tsc now = shared_.clock.now();
  did |= ends_.take_handed_over();
  did |= expire(now);
  if (waiting_.is_draining()) {
    did |= waiting_.drain(now);
    departure_.give_up(tasks::Reason::kTransmit);
  } else {
    did |= waiting_.gather(now);
    // In silence tasks stay where they are.
    if (!shared_.is_silenced.load(std::memory_order_relaxed)) did |= send(now, policy);
  }
  reports_.publish();
  return did;
}

bool Worker::take_orders() noexcept {
  std::array<Order, 32> orders;
  const std::size_t count = orders_.pop(orders);
  for (const Order& order : std::span(orders).first(count)) {
    switch (order.what) {
      case Order::What::kLimits:
        waiting_.set_limits(order.limits);
        break;
      case Order::What::kKeys:
        keys_ = order.keys;
        break;
      case Order::What::kDrain:
        waiting_.start_draining();
        break;
    }
  }
  return count != 0;
}

bool Worker::receive(const SendPolicy* policy) noexcept {
  bool did = false;
  for (std::size_t port = 0; port < lanes_.size(); ++port) {
    if (shared_.ports[port]->era() != lanes_[port].era) follow(port, policy);
    if (!lanes_[port].is_held) did |= arrival_.receive(port, policy);
  }
  return did;
}

// The port's era is another one: it is held, because its link or interface went, or may be used
// again.
void Worker::follow(std::size_t index, const SendPolicy* policy) noexcept {
  Port& port = *shared_.ports[index];
  Lane& lane = lanes_[index];
  const Tsc now = shared_.clock.now();
  lane.era = port.era();
  const bool was_held = std::exchange(lane.is_held, Port::is_held(lane.era));
  if (!lane.is_held) {
    lane.queue = port.queue(index_);
    lane.mac = port.mac();
    lane.answers = port.answers();
    lane.interrupted_until = now;
    departure_.forget_mac(index);
    return;
  }
  if (!was_held) {
    lane.held_since = now;
    // What came before: read later, it would seem to have taken longer.
    if (lane.queue.pool() != nullptr) arrival_.receive(index, policy);
  }
  lane.interrupted_until = {~std::uint64_t{0}};
  arrival_.read_fetched(index, policy);
  departure_.give_up(index, tasks::Reason::kLink);  // its device may be another one next
  port.let_go(index_, lane.era);
}

bool Worker::expire(Tsc now) noexcept {
  const std::size_t ended = inflight_.expire(now, kMaxExpired, [this](const Flight& flight) {
    if (flight.sent < lanes_[flight.port].interrupted_until) return ends_.interrupted(flight);
    ends_.timed_out(flight);
  });
  timer_.lap(Stage::kExpire, ended);
  return ended != 0;
}

bool Worker::send(Tsc now, const SendPolicy* policy) noexcept {
  // Other lists hold for what waits at a port too: that ends here, unless it was sent.
  if (waiting_.follow(policy)) departure_.give_up(tasks::Reason::kTransmit);
  if (index_ == 0) host_.ask_neighbours(now);
  bool did = departure_.flush();
  // A port that is behind holds everything back.
  if (departure_.is_behind()) return did;
  Selection selection;
  did |= waiting_.choose(now, inflight_.capacity() - inflight_.used(), selection);
  if (const std::uint64_t ports = departure_.reserve(selection.chosen()); ports != 0) {
    waiting_.take_back(selection, ports, now);
  }
  const std::span<const Chosen> chosen = selection.chosen();
  timer_.lap(Stage::kChoose, chosen.size());
  const Tsc filed = chosen.empty() ? now : departure_.craft(chosen);
  waiting_.release(selection);
  timer_.lap(Stage::kCraft, chosen.size());
  if (chosen.empty()) return did;
  departure_.offer(filed);
  timer_.lap(Stage::kTransmit, chosen.size());
  return true;
}

std::optional<Tsc> Worker::next_due() noexcept {
  const Tsc now = shared_.clock.now();
  const std::optional<Tsc> expiry = inflight_.next_expiry(now);
  const auto due = waiting_.next_due(now, inflight_.used() != inflight_.capacity());
  return expiry && due ? std::min(*expiry, *due) : expiry ? expiry : due;
}

void Worker::publish_gauges() noexcept {
  counters_.inflight.set(inflight_.used());
  counters_.waiting.set(waiting_.size());
  counters_.traces.set(traces_.under_way());
}

}  // namespace backsight::engine
