// The sending half of a worker: what the schedule lets go is crafted, filed in flight, and offered
// to the port until it accepts it.
#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/device/arp.h"
#include "engine/worker/worker.h"
#include "probes/assert.h"

namespace backsight::engine {
namespace {

// A port that accepts nothing for so long fails what waits for it.
constexpr std::uint64_t kTransmitPatienceMs = 1'000;
constexpr std::uint64_t kNeighbourCheckMs = 10;
constexpr std::size_t kMaxAsked = 16;  // ARP requests in one go

}  // namespace

bool Worker::send(Tsc now) noexcept {
  apply_policy();
  ask_neighbours(now);
  bool did = false;
  bool is_held = false;
  for (const auto& lane : lanes_) {
    if (lane->is_held) continue;
    lane->queue.pump();
    if (lane->burst.size() != 0) did |= flush(*lane);
    is_held |= lane->burst.size() != 0;
  }
  // A port that is behind holds everything back.
  if (is_held) return did;
  chosen_count_ = drawn_ = 0;
  did |= choose(now);
  reserve_buffers(now);
  lap(Stage::kChoose, chosen_count_);
  const std::size_t count = chosen_count_;
  if (count != 0) {
    craft_chosen();
    file_chosen();
  }
  tasks_.release(drawn_);
  lap(Stage::kCraft, count);
  if (count == 0) return did;
  const Tsc filed{filed_at_};
  for (const auto& lane : lanes_) {
    if (lane->burst.size() == 0) continue;
    // The first port's probes leave when they are filed, those of others a moment later.
    lane == lanes_.front() ? offer(*lane, filed) : flush(*lane);
  }
  lap(Stage::kTransmit, count);
  return true;
}

// Takes a buffer for each probe that is chosen. Where there are none, they are put off.
void Worker::reserve_buffers(Tsc now) noexcept {
  for (std::size_t at = 0; at < lanes_.size(); ++at) {
    Lane& lane = *lanes_[at];
    const auto is_here = [at](const Chosen& it) { return it.port == at; };
    const std::span<Chosen> chosen(chosen_.data(), chosen_count_);
    const std::size_t count =
        lanes_.size() == 1
            ? chosen_count_
            : static_cast<std::size_t>(std::count_if(chosen.begin(), chosen.end(), is_here));
    if (lane.burst.reserve(lane.queue.pool(), count)) continue;
    ++counters_.no_buffer;
    for (const Chosen& it : chosen) {
      if (is_here(it)) put_off(it, now);
    }
    chosen_count_ = static_cast<std::size_t>(std::remove_if(chosen.begin(), chosen.end(), is_here) -
                                             chosen.begin());
    shared_.total.give_back(static_cast<std::uint32_t>(count));
  }
}

// Gives each of the chosen its handle and its tag, and writes its frame.
void Worker::craft_chosen() noexcept {
  std::array<std::uint32_t, kBurst> reserved;
  std::size_t in_flight = 0;
  for (std::size_t i = 0; i < chosen_count_; ++i) in_flight += chosen_[i].is_spoofed ? 0 : 1;
  // choose() has made sure of the slots.
  [[maybe_unused]] const std::size_t slots =
      inflight_.reserve(std::span(reserved).first(in_flight));
  BACKSIGHT_ASSERT(slots == in_flight);
  std::size_t next = 0;
  for (std::size_t i = 0; i < chosen_count_; ++i) {
    const Chosen& it = chosen_[i];
    const tasks::Task& task = it.queued->task;
    // A spoofed probe needs no slot: its reply goes elsewhere.
    handles_[i] = it.is_spoofed ? spoofed_handle(task.id) : reserved[next++];
    tag_words_.set(i, {.id = {shared_.vp_id, task.id & probes::kMaxProbeNumber},
                       .src = task.src,
                       .dst = task.dst,
                       .handle = handles_[i],
                       .kind = task.kind,
                       .is_spoofed = it.is_spoofed});
  }
  probes::make_tags(keys_.current, tag_words_, chosen_count_, echoes_.tags);
  for (std::size_t at = 0; at < lanes_.size(); ++at) craft_on(*lanes_[at], at);
  counters_.crafted += chosen_count_;
}

// Writes the frames of those chosen that leave by the port with the number `port`.
void Worker::craft_on(Lane& lane, std::size_t port) noexcept {
  std::array<std::uint16_t, kBurst> sizes;
  std::array<std::byte*, kBurst> frames;
  std::size_t count = 0;
  bool are_alike = true;
  for (std::size_t i = 0; i < chosen_count_; ++i) {
    const Chosen& it = chosen_[i];
    if (it.port != port) continue;
    const tasks::Task& task = it.queued->task;
    shapes_[i] = &templates_.of({.kind = task.kind,
                                 .method = task.method,
                                 .timestamp = task.timestamp,
                                 .prespecified = task.prespecified_count});
    are_alike &= shapes_[i] == shapes_[0];
    sizes[count++] = static_cast<std::uint16_t>(kEthernetBytes + shapes_[i]->size());
  }
  lane.burst.append_all(std::span(sizes).first(count), frames);
  std::size_t next = 0;
  for (std::size_t i = 0; i < chosen_count_; ++i) {
    const Chosen& it = chosen_[i];
    if (it.port != port) continue;
    if (it.next_hop != lane.next_hop) {
      lane.next_hop = it.next_hop;
      store_ethernet(lane.ethernet.data(), Neighbours::unpack_mac(it.next_hop), lane.mac);
    }
    std::byte* const frame = frames[next++];
    std::memcpy(frame, lane.ethernet.data(), kEthernetBytes);
    echoes_.out[i] = frame + kEthernetBytes;
    echoes_.ip_id[i] = next_ip_id_++;
    echoes_.ttl[i] =
        is_trace(it.item) ? traces_[it.item - waiting_].trace.ttl() : it.queued->task.ttl;
  }
  // Bursts are mostly of one kind. (A probe's buffer has room for the longest.)
  if (are_alike && count == chosen_count_ && shapes_[0]->is_plain_echo()) {
    return probes::craft_echoes(*shapes_[0], tag_words_, count, echoes_);
  }
  for (std::size_t i = 0; i < chosen_count_; ++i) {
    if (chosen_[i].port == port) craft_one(i);
  }
}

void Worker::craft_one(std::size_t index) noexcept {
  const tasks::Task& task = chosen_[index].queued->task;
  echoes_.checksums[index] = shapes_[index]->craft(
      {.src = task.src,
       .dst = task.dst,
       .ttl = static_cast<std::uint8_t>(echoes_.ttl[index]),
       .ip_id = static_cast<std::uint16_t>(echoes_.ip_id[index]),
       .flow = task.flow,
       .handle = handles_[index],
       .identity = {{shared_.vp_id, task.id & probes::kMaxProbeNumber}, echoes_.tags[index]},
       .prespecified = task.prespecified},
      echoes_.out[index]);
}

// Files the probes that were crafted: they count as sent from now on.
void Worker::file_chosen() noexcept {
  const Tsc now = shared_.clock.now();
  filed_at_ = now;
  for (const auto& lane : lanes_) lane->outgoing_count = 0;
  for (std::size_t i = 0; i < chosen_count_; ++i) {
    const Chosen& it = chosen_[i];
    const tasks::QueuedTask& queued = *it.queued;
    Lane& lane = *lanes_[it.port];
    Outgoing& outgoing = lane.outgoing[lane.outgoing_count++];
    outgoing = {handles_[i], 0, it.item, queued.task.kind, it.is_spoofed};
    if (it.is_spoofed) {
      outgoing.place = lane.spoofed_count;
      lane.spoofed[lane.spoofed_count++] = queued;
    } else {
      Flight flight{.sent = now,
                    .task = queued.task.id,
                    .position = queued.position,
                    .dst = queued.task.dst,
                    .timeout_ms = queued.task.timeout_ms,
                    .checksum = echoes_.checksums[i],
                    .flow = queued.task.flow,
                    .port = it.port,
                    .protocol = shapes_[i]->ip_protocol(),
                    .kind = queued.task.kind};
      if (is_trace(it.item)) {
        flight.trace = it.item - waiting_;
        traces_[flight.trace].handle = handles_[i];
      }
      outgoing.place = inflight_.add(flight);
    }
    // In flight or copied: a single is free again. A trace keeps its own.
    if (it.item != kDirect && !is_trace(it.item)) free_singles_.push_back(it.item);
  }
}

// Offers what the port did not accept before. True if it accepted any.
bool Worker::flush(Lane& lane) noexcept {
  const Tsc now = shared_.clock.now();
  // What is offered now has not left before now.
  for (const Outgoing& it : std::span(lane.outgoing).first(lane.burst.size())) {
    if (!it.is_spoofed) inflight_.restamp(it.place, now);
  }
  return offer(lane, now);
}

// Offers the lane's packets, stamped with `now`, to the port. True if it accepted any.
bool Worker::offer(Lane& lane, Tsc now) noexcept {
  const std::size_t offered = lane.burst.size();
  const std::size_t accepted = lane.queue.transmit(lane.burst);
  count_sent(lane, accepted, now);
  if (accepted == offered) {
    lane.is_stuck = false;
    lane.spoofed_count = 0;
    return true;
  }
  std::copy(lane.outgoing.begin() + static_cast<std::ptrdiff_t>(accepted),
            lane.outgoing.begin() + static_cast<std::ptrdiff_t>(offered), lane.outgoing.begin());
  ++counters_.transmit_full;
  counters_.transmit_refused += offered - accepted;
  if (accepted != 0 || !lane.is_stuck) {
    lane.is_stuck = true;
    lane.stuck_since = now;
  } else if (now.since(lane.stuck_since) > shared_.clock.from_ms(kTransmitPatienceMs)) {
    give_up(lane, tasks::Reason::kTransmit);
  }
  return accepted != 0;
}

// Counts the first `accepted` packets of the lane; a spoofed probe's task ends with them.
void Worker::count_sent(const Lane& lane, std::size_t accepted, Tsc at) noexcept {
  // Four counts in one register: a burst is smaller than their 16 bits.
  constexpr unsigned kBits = 16;
  static_assert(kBurst < (1U << kBits) && static_cast<unsigned>(probes::Kind::kTrace) < 4);
  std::uint64_t kinds = 0;
  for (const Outgoing& it : std::span(lane.outgoing).first(accepted)) {
    kinds += std::uint64_t{1} << (kBits * static_cast<unsigned>(it.kind));
    if (!it.is_spoofed) continue;
    ++counters_.spoofed;
    ++counters_.results[tasks::Outcome::kSent];
    const tasks::QueuedTask& queued = lane.spoofed[it.place];
    reports_.add({.kind = queued.task.kind,
                  .outcome = tasks::Outcome::kSent,
                  .task = queued.task.id,
                  .position = queued.position,
                  .at = at,
                  .src = queued.task.src,
                  .dst = queued.task.dst});
  }
  for (const probes::Kind kind : {probes::Kind::kPing, probes::Kind::kRecordRoute,
                                  probes::Kind::kTimestamp, probes::Kind::kTrace}) {
    counters_.sent[kind] += (kinds >> (kBits * static_cast<unsigned>(kind))) & 0xffff;
  }
}

// The port accepts nothing, or may not: what waits for it ends here.
void Worker::give_up(Lane& lane, tasks::Reason reason) noexcept {
  const Tsc now = shared_.clock.now();
  for (const Outgoing& it : std::span(lane.outgoing).first(lane.burst.size())) {
    ++counters_.given_up;
    if (it.is_spoofed) {
      fail(lane.spoofed[it.place], reason);
      continue;
    }
    const InflightRing::Place place = inflight_.place_of(it.handle);
    const auto flight = inflight_.find(place, now);
    // If it timed out while it waited here, it has its result.
    if (!flight || inflight_.claim(place, *flight, flight->sent) != Claim::kMatched) continue;
    if (is_trace(it.item)) {
      fail(it.item, reason);
      continue;
    }
    tasks::QueuedTask queued;
    queued.task.id = flight->task;
    queued.task.src = source_of(*flight);
    queued.task.dst = flight->dst;
    queued.task.kind = flight->kind;
    queued.position = flight->position;
    fail(queued, reason);
  }
  lane.burst.clear();
  lane.spoofed_count = 0;
  lane.is_stuck = false;
}

void Worker::ask_neighbours(Tsc now) noexcept {
  if (index_ != 0 || now < next_neighbour_check_) return;
  next_neighbour_check_ = now + shared_.clock.from_ms(kNeighbourCheckMs);
  std::array<Neighbours::Question, kMaxAsked> questions;
  for (const auto& lane : lanes_) {
    if (lane->is_held) continue;
    const std::size_t count = lane->port.neighbours().due(now, questions);
    for (const Neighbours::Question& it : std::span(questions).first(count)) {
      const ArpFrame frame =
          craft_arp_request(lane->mac, lane->port.config().address, it.address, it.to);
      if (send_frame(*lane, frame)) ++counters_.arp_sent;
    }
  }
}

// Sends one frame at once, beside the probes. False: no buffer, or the port did not accept it.
bool Worker::send_frame(Lane& lane, std::span<const std::byte> frame) noexcept {
  if (lane.is_held || shared_.is_silenced.load(std::memory_order_relaxed)) return false;
  TxBurst burst;
  if (!burst.reserve(lane.queue.pool(), 1)) {
    ++counters_.no_buffer;
    return false;
  }
  std::memcpy(burst.append(frame.size()), frame.data(), frame.size());
  return lane.queue.transmit(burst) == 1;
}

}  // namespace backsight::engine
