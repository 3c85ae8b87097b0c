#include "engine/worker/schedule.h"

#include <algorithm>

#include "probes/assert.h"
#include "probes/ip/network.h"

namespace backsight::engine {
namespace {

// Spoofed sources at once; more wait until one is idle.
constexpr std::uint32_t kMaxSources = 4096;
// A limit's slack is at most this part of a second.
constexpr std::uint64_t kMaxSlackParts = 1000;
// Idle cells looked for in one go when a pool is full.
constexpr std::uint32_t kSearchSteps = 64;

constexpr auto kLater = [](const auto& a, const auto& b) { return a.at > b.at; };

}  // namespace

Schedule::Schedule(const ScheduleLimits& limits, std::uint32_t items, std::uint32_t places,
                   std::uint64_t hz)
    : hz_(hz),
      items_(std::make_unique<Item[]>(items)),
      destinations_(places),
      prefixes_(places),
      sources_(kMaxSources) {
  // One for each prefix, source and the options, and stale ones of prefixes.
  wakes_.reserve(std::size_t{places} * 2 + kMaxSources + 1);
  set_limits(limits);
}

void Schedule::set_limits(const ScheduleLimits& limits) noexcept {
  options_ = limit(limits.options_pps);
  per_destination_ = limit(limits.per_destination_pps);
  per_prefix_ = limit(limits.per_prefix24_pps);
  per_source_ = limit(limits.per_source_pps);
}

Schedule::Limit Schedule::limit(std::uint64_t pps) const noexcept {
  if (pps == 0) return {};
  // Rounded up: a limit is never exceeded. The slack forgives a late wake-up of the worker.
  const std::uint64_t interval = (hz_ + pps - 1) / pps;
  const std::uint64_t slack = std::max(hz_ / 10'000, std::min(hz_ / kMaxSlackParts, interval / 8));
  return {{interval}, {slack}};
}

template <typename T>
void Schedule::append(Line& line, T* cells, std::uint32_t index) noexcept {
  cells[index].next = kNone;
  if (line.is_empty()) {
    line.first = index;
  } else {
    cells[line.last].next = index;
  }
  line.last = index;
}

template <typename T>
std::uint32_t Schedule::take_first(Line& line, T* cells) noexcept {
  const std::uint32_t index = line.first;
  line.first = cells[index].next;
  if (line.first == kNone) line.last = kNone;
  return index;
}

// The cell of `key`: the one it has, a fresh one, or that of somebody idle whose limit has run out,
// by so long that no slack of it is left to remember.
template <typename T>
std::uint32_t Schedule::place(Pool<T>& pool, std::uint32_t key, Tsc now) noexcept {
  if (const std::uint32_t* found = pool.map.find(key)) return *found;
  const Tsc rested{now.ticks - std::min(now.ticks, hz_ / kMaxSlackParts)};
  for (std::uint32_t step = 0; step < kSearchSteps; ++step) {
    const std::uint32_t index = pool.hand;
    pool.hand = pool.hand + 1 == pool.size ? 0 : pool.hand + 1;
    T& cell = pool.cells[index];
    if (cell.is_used && !(is_idle(cell) && cell.spacing.allows(rested))) continue;
    if (cell.is_used) pool.map.erase(cell.key);
    cell = T{};
    cell.key = key;
    cell.is_used = true;
    pool.map.insert(key, index);
    return index;
  }
  return kNone;
}

bool Schedule::push(std::uint32_t item, const Send& send, Tsc now) noexcept {
  items_[item] = Item{send, kNone};
  if (!is_held(send)) {
    append(unlimited_, items_.get(), item);
  } else if (!file(item, now)) {
    return false;
  }
  ++waiting_;
  return true;
}

// Puts the item into its destination's line. False: no place for the destination now.
bool Schedule::file(std::uint32_t item, Tsc now) noexcept {
  const Send& send = items_[item].send;
  const std::uint32_t at_prefix = place(prefixes_, probes::network_of(send.dst), now);
  if (at_prefix == kNone) return false;
  const std::uint32_t at = place(destinations_, send.dst.value, now);
  if (at == kNone) return false;
  Destination& destination = destinations_.cells[at];
  Prefix& prefix = prefixes_.cells[at_prefix];
  const bool joins = destination.items.is_empty();
  append(destination.items, items_.get(), item);
  if (joins) append(prefix.destinations, destinations_.cells.get(), at);
  if (!prefix.is_moving) {
    start(at_prefix, now);
  } else if (joins) {
    start_sooner(at_prefix, destination.spacing.next(), now);
  }
  return true;
}

// A destination that may go at `next` joins a prefix that is on its way: it need not wait for those
// that the prefix is parked for. Their wake is then stale.
void Schedule::start_sooner(std::uint32_t at, Tsc next, Tsc now) noexcept {
  Prefix& prefix = prefixes_.cells[at];
  if (!prefix.is_parked || stale_wakes_ == prefixes_.size) return;
  if (std::max({next, prefix.spacing.next(), now}) >= prefix.parked_until) return;
  ++stale_wakes_;
  start(at, now);
}

std::optional<std::uint32_t> Schedule::pop(Tsc now) noexcept {
  wake_due(now);
  if (ready_.is_empty()) file_held(now);
  if (!ready_.is_empty()) {
    --waiting_;
    return send_first_of(take_first(ready_, prefixes_.cells.get()), now);
  }
  if (!unlimited_.is_empty() && !is_held(items_[unlimited_.first].send)) {
    --waiting_;
    return take_first(unlimited_, items_.get());
  }
  return std::nullopt;
}

// Items that no limit held when they came, and that one holds now, go where they belong.
void Schedule::file_held(Tsc now) noexcept {
  while (!unlimited_.is_empty() && ready_.is_empty() && is_held(items_[unlimited_.first].send)) {
    const std::uint32_t item = take_first(unlimited_, items_.get());
    if (file(item, now)) continue;
    items_[item].next = unlimited_.first;
    if (unlimited_.is_empty()) unlimited_.last = item;
    unlimited_.first = item;
    return;
  }
}

std::uint32_t Schedule::send_first_of(std::uint32_t at, Tsc now) noexcept {
  Prefix& prefix = prefixes_.cells[at];
  const std::uint32_t at_destination = take_first(prefix.destinations, destinations_.cells.get());
  Destination& destination = destinations_.cells[at_destination];
  const std::uint32_t item = take_first(destination.items, items_.get());
  const Send& send = items_[item].send;
  if (!destination.items.is_empty()) {
    append(prefix.destinations, destinations_.cells.get(), at_destination);
  }
  if (per_destination_.is_on()) {
    destination.spacing.take(now, per_destination_.interval, per_destination_.slack);
  }
  if (per_prefix_.is_on()) prefix.spacing.take(now, per_prefix_.interval, per_prefix_.slack);
  if (!send.spoofed_src.is_unspecified()) {
    if (const std::uint32_t* source = sources_.map.find(send.spoofed_src.value)) {
      sent_through(sources_.cells[*source], per_source_, now, *source, Sleeper::kSource);
    }
  }
  if (send.has_options) sent_through(options_gate_, options_, now, 0, Sleeper::kOptions);
  prefix.is_moving = false;
  if (!prefix.destinations.is_empty()) start(at, now);
  return item;
}

// Sends the prefix's next item on its way. REQUIRES: it has items and is not moving.
void Schedule::start(std::uint32_t at, Tsc now) noexcept {
  Prefix& prefix = prefixes_.cells[at];
  prefix.is_moving = true;
  prefix.is_parked = false;
  if (!prefix.spacing.allows(now)) return park_prefix(prefix.spacing.next(), at);
  if (const auto later = choose_destination(prefix, now)) return park_prefix(*later, at);
  enter_source_gate(at, now);
}

// Brings a destination whose limit allows it to the front. Returns when one will, if none does now.
std::optional<Tsc> Schedule::choose_destination(Prefix& prefix, Tsc now) noexcept {
  std::optional<Tsc> soonest;
  const std::uint32_t last = prefix.destinations.last;
  for (;;) {
    const std::uint32_t first = prefix.destinations.first;
    const Spacing& spacing = destinations_.cells[first].spacing;
    if (spacing.allows(now)) return std::nullopt;
    if (!soonest || spacing.next() < *soonest) soonest = spacing.next();
    append(prefix.destinations, destinations_.cells.get(),
           take_first(prefix.destinations, destinations_.cells.get()));
    if (first == last) return soonest;
  }
}

void Schedule::enter_source_gate(std::uint32_t at, Tsc now) noexcept {
  const Destination& destination = destinations_.cells[prefixes_.cells[at].destinations.first];
  const probes::Ipv4Addr source = items_[destination.items.first].send.spoofed_src;
  if (per_source_.is_on() && !source.is_unspecified()) {
    const std::uint32_t index = place(sources_, source.value, now);
    // No room for another source: look again soon.
    if (index == kNone) return park_prefix(now + per_source_.interval, at);
    if (!pass(sources_.cells[index], at, now, index, Sleeper::kSource)) return;
  }
  enter_options_gate(at, now);
}

void Schedule::enter_options_gate(std::uint32_t at, Tsc now) noexcept {
  const Destination& destination = destinations_.cells[prefixes_.cells[at].destinations.first];
  if (options_.is_on() && items_[destination.items.first].send.has_options) {
    if (!pass(options_gate_, at, now, 0, Sleeper::kOptions)) return;
  }
  append(ready_, prefixes_.cells.get(), at);
}

// True: the prefix is through. False: it waits in the gate's line.
bool Schedule::pass(Gate& gate, std::uint32_t prefix, Tsc now, std::uint32_t index,
                    Sleeper who) noexcept {
  if (gate.is_open && gate.prefixes.is_empty() && gate.spacing.allows(now)) {
    gate.is_open = false;
    return true;
  }
  append(gate.prefixes, prefixes_.cells.get(), prefix);
  release(gate, now, index, who);
  return false;
}

// Lets the first of the line through if it is time.
void Schedule::release(Gate& gate, Tsc now, std::uint32_t index, Sleeper who) noexcept {
  if (!gate.is_open || gate.is_parked || gate.prefixes.is_empty()) return;
  if (!gate.spacing.allows(now)) {
    gate.is_parked = true;
    return park(gate.spacing.next(), index, who);
  }
  gate.is_open = false;
  const std::uint32_t prefix = take_first(gate.prefixes, prefixes_.cells.get());
  if (who == Sleeper::kSource) return enter_options_gate(prefix, now);
  append(ready_, prefixes_.cells.get(), prefix);
}

// An item that passed the gate is sent. An item filed before its limit was switched on did not
// pass.
void Schedule::sent_through(Gate& gate, const Limit& limit, Tsc now, std::uint32_t index,
                            Sleeper who) noexcept {
  if (limit.is_on()) gate.spacing.take(now, limit.interval, limit.slack);
  gate.is_open = true;
  release(gate, now, index, who);
}

void Schedule::park_prefix(Tsc at, std::uint32_t prefix) noexcept {
  prefixes_.cells[prefix].is_parked = true;
  prefixes_.cells[prefix].parked_until = at;
  park(at, prefix, Sleeper::kPrefix);
}

void Schedule::park(Tsc at, std::uint32_t index, Sleeper who) noexcept {
  wakes_.push_back({at, index, who});
  std::push_heap(wakes_.begin(), wakes_.end(), kLater);
}

void Schedule::wake_due(Tsc now) noexcept {
  while (!wakes_.empty() && wakes_.front().at <= now) {
    std::pop_heap(wakes_.begin(), wakes_.end(), kLater);
    const Wake wake = wakes_.back();
    wakes_.pop_back();
    if (wake.who == Sleeper::kPrefix) {
      const Prefix& prefix = prefixes_.cells[wake.index];
      if (prefix.is_parked && prefix.parked_until == wake.at) {
        start(wake.index, now);
      } else {
        --stale_wakes_;
      }
      continue;
    }
    Gate& gate = wake.who == Sleeper::kSource ? sources_.cells[wake.index] : options_gate_;
    gate.is_parked = false;
    release(gate, now, wake.index, wake.who);
  }
}

std::optional<Tsc> Schedule::next_wake(Tsc now) const noexcept {
  if (!ready_.is_empty() || !unlimited_.is_empty()) return now;
  if (wakes_.empty()) return std::nullopt;
  return wakes_.front().at;
}

}  // namespace backsight::engine
