#include "engine/worker/departure.h"

#include <algorithm>
#include <cstring>

#include "engine/device/neighbours.h"
#include "probes/assert.h"

namespace backsight::engine {
namespace {

// A port that accepts nothing for so long fails what waits for it.
constexpr std::uint64_t kTransmitPatienceMs = 1'000;

}  // namespace

Departure::Departure(const Surroundings& around, InflightRing& inflight, Ends& ends)
    : around_(around), inflight_(inflight), ends_(ends), ports_(around.lanes.size()) {}

bool Departure::flush() noexcept {
  bool did = false;
  for (std::size_t port = 0; port < around_.lanes.size(); ++port) {
    if (around_.lanes[port].is_held) continue;
    around_.lanes[port].queue.pump();
    if (ports_[port].burst.size() != 0) did |= offer_again(port);
  }
  return did;
}

// What a port that is held was to send has been given up.
bool Departure::is_behind() const noexcept {
  return std::ranges::any_of(ports_, [](const OfPort& it) { return it.burst.size() != 0; });
}

std::uint64_t Departure::reserve(std::span<const Chosen> chosen) noexcept {
  std::uint64_t without = 0;
  for (std::size_t port = 0; port < around_.lanes.size(); ++port) {
    const auto is_here = [port](const Chosen& it) { return it.port == port; };
    const std::size_t count =
        around_.lanes.size() == 1
            ? chosen.size()
            : static_cast<std::size_t>(std::count_if(chosen.begin(), chosen.end(), is_here));
    if (ports_[port].burst.reserve(around_.lanes[port].queue.pool(), count)) continue;
    ++around_.counters.no_buffer;
    without |= std::uint64_t{1} << port;
  }
  return without;
}

Tsc Departure::craft(std::span<const Chosen> chosen) noexcept {
  Crafted crafted;
  identify(chosen, crafted);
  for (std::size_t port = 0; port < around_.lanes.size(); ++port) craft_on(port, chosen, crafted);
  around_.counters.crafted += chosen.size();
  const Tsc now = around_.clock.now();
  file(chosen, crafted, now);
  return now;
}

// Gives each of the chosen its handle, its tag and its shape.
void Departure::identify(std::span<const Chosen> chosen, Crafted& crafted) noexcept {
  std::array<std::uint32_t, kBurst> reserved;
  std::size_t in_flight = 0;
  for (const Chosen& it : chosen) in_flight += it.is_spoofed ? 0 : 1;
  // No more were chosen than there are slots.
  [[maybe_unused]] const std::size_t slots =
      inflight_.reserve(std::span(reserved).first(in_flight));
  BACKSIGHT_ASSERT(slots == in_flight);
  std::size_t next = 0;
  crafted.are_alike = true;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Chosen& it = chosen[i];
    const tasks::Task& task = it.queued->task;
    crafted.shapes[i] = &templates_.of({.kind = task.kind,
                                        .method = task.method,
                                        .timestamp = task.timestamp,
                                        .prespecified = task.prespecified_count});
    crafted.are_alike &= crafted.shapes[i] == crafted.shapes[0];
    // A spoofed probe needs no slot: its reply goes elsewhere.
    crafted.handles[i] = it.is_spoofed ? spoofed_handle(task.id) : reserved[next++];
    crafted.tag_words.set(i, {.id = {around_.vp_id, task.id & probes::kMaxProbeNumber},
                              .src = task.src,
                              .dst = task.dst,
                              .handle = crafted.handles[i],
                              .kind = task.kind,
                              .is_spoofed = it.is_spoofed});
  }
  probes::make_tags(around_.keys.current, crafted.tag_words, chosen.size(), crafted.echoes.tags);
}

// Writes the frames of those chosen that leave by the port.
void Departure::craft_on(std::size_t port, std::span<const Chosen> chosen,
                         Crafted& crafted) noexcept {
  OfPort& of_port = ports_[port];
  std::array<std::uint16_t, kBurst> sizes;
  std::array<std::byte*, kBurst> frames;
  std::size_t count = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i].port != port) continue;
    sizes[count++] = static_cast<std::uint16_t>(kEthernetBytes + crafted.shapes[i]->size());
  }
  of_port.burst.append_all(std::span(sizes).first(count), frames);
  std::size_t next = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Chosen& it = chosen[i];
    if (it.port != port) continue;
    if (it.next_hop != of_port.next_hop) {
      of_port.next_hop = it.next_hop;
      store_ethernet(of_port.ethernet.data(), Neighbours::unpack_mac(it.next_hop),
                     around_.lanes[port].mac);
    }
    std::byte* const frame = frames[next++];
    std::memcpy(frame, of_port.ethernet.data(), kEthernetBytes);
    crafted.echoes.out[i] = frame + kEthernetBytes;
    crafted.echoes.ip_id[i] = next_ip_id_++;
    crafted.echoes.ttl[i] = it.ttl;
  }
  // Bursts are mostly of one kind. (A probe's buffer has room for the longest.)
  if (crafted.are_alike && count == chosen.size() && crafted.shapes[0]->is_plain_echo()) {
    return probes::craft_echoes(*crafted.shapes[0], crafted.tag_words, count, crafted.echoes);
  }
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i].port == port) craft_one(i, chosen[i], crafted);
  }
}

void Departure::craft_one(std::size_t index, const Chosen& chosen, Crafted& crafted) noexcept {
  const tasks::Task& task = chosen.queued->task;
  probes::EchoBurst& burst = crafted.echoes;
  burst.checksums[index] = crafted.shapes[index]->craft(
      {.src = task.src,
       .dst = task.dst,
       .ttl = chosen.ttl,
       .ip_id = static_cast<std::uint16_t>(burst.ip_id[index]),
       .flow = task.flow,
       .handle = crafted.handles[index],
       .identity = {{around_.vp_id, task.id & probes::kMaxProbeNumber}, burst.tags[index]},
       .prespecified = task.prespecified},
      burst.out[index]);
}

void Departure::file(std::span<const Chosen> chosen, const Crafted& crafted, Tsc now) noexcept {
  for (OfPort& it : ports_) it.outgoing_count = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Chosen& it = chosen[i];
    const tasks::QueuedTask& queued = *it.queued;
    const std::uint32_t handle = crafted.handles[i];
    OfPort& port = ports_[it.port];
    Outgoing& outgoing = port.outgoing[port.outgoing_count++];
    outgoing = {handle, 0, queued.task.kind, it.is_spoofed};
    if (it.is_spoofed) {
      outgoing.place = port.spoofed_count;
      port.spoofed[port.spoofed_count++] = queued;
      continue;
    }
    Flight flight{.sent = now,
                  .task = queued.task.id,
                  .position = queued.position,
                  .dst = queued.task.dst,
                  .timeout_ms = queued.task.timeout_ms,
                  .checksum = crafted.echoes.checksums[i],
                  .flow = queued.task.flow,
                  .port = it.port,
                  .protocol = crafted.shapes[i]->ip_protocol(),
                  .kind = queued.task.kind};
    if (it.item.is_trace()) {
      flight.trace = it.item.index();
      ends_.filed(flight.trace, handle);
    }
    outgoing.place = inflight_.add(flight);
  }
}

void Departure::offer(Tsc filed) noexcept {
  for (std::size_t port = 0; port < around_.lanes.size(); ++port) {
    if (ports_[port].burst.size() == 0) continue;
    // The first port's probes leave when they are filed, those of others a moment later.
    port == 0 ? offer(port, filed) : offer_again(port);
  }
}

// Offers what has not left before now. True if the port accepted any.
bool Departure::offer_again(std::size_t port) noexcept {
  const Tsc now = around_.clock.now();
  const OfPort& of_port = ports_[port];
  for (const Outgoing& it : std::span(of_port.outgoing).first(of_port.burst.size())) {
    if (!it.is_spoofed) inflight_.restamp(it.place, now);
  }
  return offer(port, now);
}

// Offers the port its packets, stamped with `now`. True if it accepted any.
bool Departure::offer(std::size_t port, Tsc now) noexcept {
  OfPort& of_port = ports_[port];
  const std::size_t offered = of_port.burst.size();
  const std::size_t accepted = around_.lanes[port].queue.transmit(of_port.burst);
  count_sent(of_port, accepted, now);
  if (accepted == offered) {
    of_port.is_stuck = false;
    of_port.spoofed_count = 0;
    return true;
  }
  std::copy(of_port.outgoing.begin() + static_cast<std::ptrdiff_t>(accepted),
            of_port.outgoing.begin() + static_cast<std::ptrdiff_t>(offered),
            of_port.outgoing.begin());
  ++around_.counters.transmit_full;
  around_.counters.transmit_refused += offered - accepted;
  if (accepted != 0 || !of_port.is_stuck) {
    of_port.is_stuck = true;
    of_port.stuck_since = now;
  } else if (now.since(of_port.stuck_since) > around_.clock.from_ms(kTransmitPatienceMs)) {
    give_up(port, tasks::Reason::kTransmit);
  }
  return accepted != 0;
}

// Counts the first `accepted` packets of the port; a spoofed probe's task ends with them.
void Departure::count_sent(const OfPort& port, std::size_t accepted, Tsc at) noexcept {
  // Four counts in one register: a burst is smaller than their 16 bits.
  constexpr unsigned kBits = 16;
  static_assert(kBurst < (1U << kBits) && static_cast<unsigned>(probes::Kind::kTrace) < 4);
  std::uint64_t kinds = 0;
  for (const Outgoing& it : std::span(port.outgoing).first(accepted)) {
    kinds += std::uint64_t{1} << (kBits * static_cast<unsigned>(it.kind));
    if (!it.is_spoofed) continue;
    ++around_.counters.spoofed;
    ends_.sent(port.spoofed[it.place], at);
  }
  for (const probes::Kind kind : {probes::Kind::kPing, probes::Kind::kRecordRoute,
                                  probes::Kind::kTimestamp, probes::Kind::kTrace}) {
    around_.counters.sent[kind] += (kinds >> (kBits * static_cast<unsigned>(kind))) & 0xffff;
  }
}

void Departure::give_up(tasks::Reason reason) noexcept {
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    if (ports_[port].burst.size() != 0) give_up(port, reason);
  }
}

void Departure::give_up(std::size_t port, tasks::Reason reason) noexcept {
  OfPort& of_port = ports_[port];
  const Tsc now = around_.clock.now();
  for (const Outgoing& it : std::span(of_port.outgoing).first(of_port.burst.size())) {
    ++around_.counters.given_up;
    if (it.is_spoofed) {
      ends_.not_sent(of_port.spoofed[it.place], reason);
      continue;
    }
    const InflightRing::Place place = inflight_.place_of(it.handle);
    const auto flight = inflight_.find(place, now);
    // If it timed out while it waited here, it has its result.
    if (!flight || inflight_.claim(place, *flight, flight->sent) != Claim::kMatched) continue;
    ends_.not_sent(*flight, reason);
  }
  of_port.burst.clear();
  of_port.spoofed_count = 0;
  of_port.is_stuck = false;
}

}  // namespace backsight::engine
