// The sending half of a worker: what the schedule lets go is crafted, filed in flight, and offered
// to the port until it accepts it.
#include <rte_cycles.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/device/arp.h"
#include "engine/worker/worker.h"
#include "probes/wire/assert.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {
namespace {

using probes::ipv4::kProtocolIcmp;
using probes::ipv4::kProtocolTcp;
using probes::ipv4::kProtocolUdp;

// A port that accepts nothing for so long fails what waits for it.
constexpr std::uint64_t kTransmitPatienceMs = 1'000;
constexpr std::uint64_t kNeighbourCheckMs = 10;
// Buffers taken from the pool at once.
constexpr std::size_t kReserve = 32;
constexpr std::size_t kMaxAsked = 16;  // ARP requests in one go

std::uint8_t protocol_of(const queue::Task& task) noexcept {
  if (task.kind != probes::Kind::kTrace) return kProtocolIcmp;
  switch (task.method) {
    case probes::TraceMethod::kUdp:
      return kProtocolUdp;
    case probes::TraceMethod::kTcp:
      return kProtocolTcp;
    default:
      return kProtocolIcmp;
  }
}

}  // namespace

// The index into all_templates().
const probes::Template& Worker::template_for(const queue::Task& task) const noexcept {
  constexpr std::size_t kTraces = 2;
  constexpr std::size_t kTimestamps = 5;
  switch (task.kind) {
    case probes::Kind::kPing:
      return templates_[0];
    case probes::Kind::kRecordRoute:
      return templates_[1];
    case probes::Kind::kTrace:
      return templates_[kTraces + static_cast<std::size_t>(task.method)];
    default:
      break;
  }
  switch (task.timestamp) {
    case probes::TimestampType::kOnly:
      return templates_[kTimestamps];
    case probes::TimestampType::kWithAddresses:
      return templates_[kTimestamps + 1];
    default:
      return templates_[kTimestamps + 1U + task.prespecified_count];
  }
}

bool Worker::send(Tsc now) noexcept {
  ask_neighbours(now);
  bool did = false;
  bool is_held = false;
  for (const auto& lane : lanes_) {
    if (lane->burst.size() != 0) did |= flush(*lane);
    is_held |= lane->burst.size() != 0;
  }
  if (is_held) return did;
  const auto wake = schedule_.next_wake(now);
  if (!wake || *wake > now) {
    has_rested_ = true;
    return did;
  }
  if (std::exchange(has_rested_, false)) shared_.total.rest_until(now);

  const std::uint32_t room = inflight_.capacity() - inflight_.used();
  if (room == 0) {
    ++counters_.inflight_full;
    return did;
  }
  const auto want =
      static_cast<std::uint32_t>(std::min<std::size_t>({kBurst, room, schedule_.waiting()}));
  const std::uint32_t granted = shared_.total.take(now, want);
  std::uint32_t used = 0;
  // What cannot be sent is not counted as used: it ends the burst all the same, as each ends in a
  // report.
  for (std::size_t taken = 0; used < granted && taken < kBurst; ++taken) {
    const auto item = schedule_.pop(now);
    if (!item) break;
    if (prepare(*item, now)) ++used;
  }
  if (used < granted) shared_.total.give_back(granted - used);
  for (const auto& lane : lanes_) {
    if (lane->burst.size() != 0) did |= flush(*lane);
    lane->burst.clear_reserve();
  }
  return did || used != 0;
}

// True if the item was crafted; else it was put off or failed.
bool Worker::prepare(std::uint32_t item, Tsc now) noexcept {
  set_waiting(item, false);
  Lane& lane = *lanes_[port_of(item)];
  const Neighbours::Found hop = lane.port.neighbours().find(task_of(item).dst);
  switch (hop.state) {
    case Neighbours::State::kKnown:
      break;
    case Neighbours::State::kAsking:
      defer(item, now);
      return false;
    case Neighbours::State::kAbsent:
      fail(item, queue::Reason::kNeighbour);
      return false;
    case Neighbours::State::kNoRoute:
      fail(item, queue::Reason::kNoRoute);
      return false;
  }
  if (lane.burst.reserved() == 0 &&
      !lane.burst.reserve(lane.queue.pool(),
                          std::min<std::size_t>(kReserve, kBurst - lane.burst.size()))) {
    ++counters_.no_buffer;
    defer(item, now);
    return false;
  }
  craft(lane, item, hop.mac, now);
  return true;
}

void Worker::craft(Lane& lane, std::uint32_t item, probes::MacAddr next_hop, Tsc now) noexcept {
  const queue::Task& task = task_of(item);
  const bool is_spoofed = !is_trace(item) && singles_[item].assignment.is_spoofed;
  probes::ProbeFields fields;
  fields.src = task.src;
  fields.dst = task.dst;
  fields.ttl = is_trace(item) ? traces_[item - waiting_].trace.ttl() : task.ttl;
  fields.ip_id = next_ip_id_++;
  fields.flow = task.flow;
  // send() has made sure of a slot. A spoofed probe needs none: its reply goes elsewhere.
  fields.handle = is_spoofed ? static_cast<std::uint32_t>(task.id) : *inflight_.next_handle();
  fields.prespecified = task.prespecified;
  fields.identity.id = {shared_.vp_id, task.id & probes::kMaxProbeNumber};
  fields.identity.tag = probes::make_tag(keys_.current, {.id = fields.identity.id,
                                                         .src = task.src,
                                                         .dst = task.dst,
                                                         .handle = fields.handle,
                                                         .kind = task.kind,
                                                         .is_spoofed = is_spoofed});
  const probes::Template& shape = template_for(task);
  std::byte* frame = lane.burst.append(kEthernetBytes + shape.size());
  store_ethernet(frame, next_hop, lane.port.mac());
  const std::uint16_t checksum = shape.craft(fields, frame + kEthernetBytes);

  Outgoing& outgoing = lane.outgoing[lane.burst.size() - 1];
  outgoing = {
      is_trace(item) ? traces_[item - waiting_].trace.task() : singles_[item].assignment.queued,
      fields.handle, item, 0, is_spoofed};
  if (is_spoofed) return;
  Flight flight{.sent = now,
                .src = task.src,
                .dst = task.dst,
                .checksum = checksum,
                .protocol = protocol_of(task),
                .ttl = fields.ttl,
                .task = task.id,
                .position = outgoing.queued.position,
                .timeout_ms = task.timeout_ms,
                .flow = task.flow,
                .kind = task.kind};
  if (is_trace(item)) {
    TraceState& state = traces_[item - waiting_];
    flight.trace = item - waiting_;
    flight.attempt = state.trace.attempt();
    state.handle = fields.handle;
    state.trace.sent(shared_.clock.to_unix_ns(now));
  }
  outgoing.place = inflight_.add(flight);
}

// Offers the lane's packets to the port. True if it accepted any.
bool Worker::flush(Lane& lane) noexcept {
  const Tsc now{rte_rdtsc()};
  const std::size_t offered = lane.burst.size();
  // What is offered now has not left before now.
  for (const Outgoing& it : std::span(lane.outgoing).first(offered)) {
    if (!it.is_spoofed) inflight_.restamp(it.place, now);
  }
  const std::size_t accepted = lane.queue.transmit(lane.burst);
  for (const Outgoing& it : std::span(lane.outgoing).first(accepted)) sent(it, now);
  if (accepted == offered) {
    lane.is_stuck = false;
    return true;
  }
  std::copy(lane.outgoing.begin() + static_cast<std::ptrdiff_t>(accepted),
            lane.outgoing.begin() + static_cast<std::ptrdiff_t>(offered), lane.outgoing.begin());
  ++counters_.transmit_full;
  if (accepted != 0 || !lane.is_stuck) {
    lane.is_stuck = true;
    lane.stuck_since = now;
  } else if (now.since(lane.stuck_since) > shared_.clock.from_ms(kTransmitPatienceMs)) {
    give_up(lane);
  }
  return accepted != 0;
}

void Worker::sent(const Outgoing& outgoing, Tsc at) noexcept {
  const queue::Task& task = outgoing.queued.task;
  ++counters_.sent[task.kind];
  if (!outgoing.is_spoofed) {
    // In flight; the item is free again. A trace keeps its own.
    if (task.kind != probes::Kind::kTrace) release_item(outgoing.item);
    return;
  }
  ++counters_.spoofed;
  release_item(outgoing.item);
  queue::ProbeResult result;
  result.task = task.id;
  result.position = outgoing.queued.position;
  result.sent_at_ns = shared_.clock.to_unix_ns(at);
  result.src = task.src;
  result.dst = task.dst;
  result.kind = task.kind;
  result.outcome = queue::Outcome::kSent;
  report(result);
}

// The port accepts nothing: what waits for it ends here.
void Worker::give_up(Lane& lane) noexcept {
  for (const Outgoing& it : std::span(lane.outgoing).first(lane.burst.size())) {
    if (!it.is_spoofed) {
      const auto flight = inflight_.find(it.handle);
      if (!flight || inflight_.claim(it.handle, *flight, flight->sent) != Claim::kMatched) {
        // It timed out while it waited here, and has its result.
        if (!is_trace(it.item)) release_item(it.item);
        continue;
      }
    }
    fail(it.item, queue::Reason::kTransmit);
  }
  lane.burst.clear();
  lane.is_stuck = false;
}

void Worker::ask_neighbours(Tsc now) noexcept {
  if (index_ != 0 || now < next_neighbour_check_) return;
  next_neighbour_check_ = now + shared_.clock.from_ms(kNeighbourCheckMs);
  std::array<probes::Ipv4Addr, kMaxAsked> addresses;
  for (const auto& lane : lanes_) {
    const std::size_t count = lane->port.neighbours().due(now, addresses);
    for (const probes::Ipv4Addr address : std::span(addresses).first(count)) {
      const ArpFrame frame =
          craft_arp_request(lane->port.mac(), lane->port.config().address, address);
      if (send_frame(*lane, frame)) ++counters_.arp_sent;
    }
  }
}

// Sends one frame at once, beside the probes. False: no buffer, or the port did not accept it.
bool Worker::send_frame(Lane& lane, std::span<const std::byte> frame) noexcept {
  if (shared_.is_silenced.load(std::memory_order_relaxed)) return false;
  TxBurst burst;
  if (!burst.reserve(lane.queue.pool(), 1)) {
    ++counters_.no_buffer;
    return false;
  }
  std::memcpy(burst.append(frame.size()), frame.data(), frame.size());
  return lane.queue.transmit(burst) == 1;
}

}  // namespace backsight::engine
