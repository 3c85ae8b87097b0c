// A worker: one core that runs to completion. It owns a queue pair on each port, its in-flight
// ring, its schedule and its counters; each round it takes orders and tasks, receives, expires and
// sends.
//
// No lock, allocation, log or system call in a round; the only sleep is the adaptive nap between
// rounds that did nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <tl/expected.hpp>

#include "config/vp/vp_config.h"
#include "engine/device/arp.h"
#include "engine/device/doze.h"
#include "engine/device/port.h"
#include "engine/device/tsc.h"
#include "engine/worker/counters.h"
#include "engine/worker/fixed_map.h"
#include "engine/worker/frame_tap.h"
#include "engine/worker/inflight.h"
#include "engine/worker/limiter.h"
#include "engine/worker/messages.h"
#include "engine/worker/report.h"
#include "engine/worker/schedule.h"
#include "engine/worker/seen.h"
#include "engine/worker/send_policy.h"
#include "engine/worker/spsc_ring.h"
#include "engine/worker/worker_setup.h"
#include "probes/crafting/echo_burst.h"
#include "probes/crafting/templates.h"
#include "probes/identity/identity_burst.h"
#include "probes/reading/reply.h"
#include "probes/wire/mac_addr.h"
#include "tracing/trace.h"

namespace backsight::engine {

// What all workers of a vantage point share. Outlives them.
struct Shared {
  const TscClock& clock;
  TotalRate& total;
  std::uint16_t vp_id = 0;
  probes::HandleCipher cipher;
  std::vector<Port*> ports;
  // Who may be probed. Outlives its time in force by a round of every worker. Null: anybody.
  std::atomic<const SendPolicy*> policy{nullptr};
  // Stops every transmission within a round, ARP included.
  std::atomic<bool> is_silenced{false};
  std::atomic<bool> is_stopping{false};
};

class Worker {
 public:
  // Allocates everything; throws std::bad_alloc.
  Worker(const WorkerSetup& setup, Shared& shared);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Makes the workers known to each other, before any runs. `all[i]` is worker i.
  void connect(std::span<Worker* const> all);

  // Rounds until Shared::is_stopping. Thread: the worker's lcore.
  void run() noexcept;
  // One pass over everything. Returns true if there was something to do.
  bool round() noexcept;
  // After a round that did nothing: when one will have something to do, if no frame, task or order
  // comes before and no port is held or behind; nothing when none will. Thread: that of the rounds.
  [[nodiscard]] std::optional<Tsc> next_due() noexcept;

  // There are tasks in a worker's ring: every worker is to look, as its replies may come to any.
  void wake() noexcept { doze_.wake(); }

  // Control's ends. REQUIRES: of the traces given, no more than EngineConfig::traces have an end
  // that control has not read.
  [[nodiscard]] SpscRing<Assignment>& tasks() noexcept { return tasks_; }
  [[nodiscard]] SpscRing<Order>& orders() noexcept { return orders_; }
  [[nodiscard]] ReportRing& reports() noexcept { return reports_; }
  [[nodiscard]] const WorkerCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::uint32_t inflight_capacity() const noexcept { return inflight_.capacity(); }
  [[nodiscard]] InflightRing& inflight() noexcept { return inflight_; }
  [[nodiscard]] FrameTap& tap() noexcept { return tap_; }

 private:
  // What is chosen to leave now.
  struct Chosen {
    const tasks::QueuedTask* queued;  // in the mailbox, a single or a trace
    std::uint32_t item;               // kDirect: straight from the mailbox
    std::uint8_t port;
    bool is_spoofed;
    std::uint64_t next_hop;  // Neighbours::Found::packed_mac
  };
  // A probe that was crafted and waits for the port to accept it.
  struct Outgoing {
    std::uint32_t handle;
    std::uint32_t place;  // in flight; of a spoofed one: in Lane::spoofed
    std::uint32_t item;   // of a trace
    probes::Kind kind;
    bool is_spoofed;
  };
  struct TraceState {
    tracing::Trace trace;
    Tsc first_sent;            // with an attempt that ended
    std::uint32_t handle = 0;  // of the attempt under way
    std::uint32_t policy = 0;  // that last let it go
    Tsc unplaced_since;        // waits for a place among the neighbours; 0: does not
    std::uint8_t port = 0;
    bool is_waiting = false;  // in the schedule or put off
  };
  static_assert(sizeof(TraceState) <= 1024);
  struct Single {
    Assignment assignment;
    Tsc unplaced_since;       // as a trace's
    bool is_waiting = false;  // in the schedule or put off
  };
  struct Deferred {
    std::uint32_t item;
    Tsc again;
  };
  // One port's two sides.
  struct Lane {
    Lane(Port& port_of_lane, const QueuePair& pair)
        : port(port_of_lane), queue(pair), mac(port_of_lane.mac()) {}
    struct Received {
      RxBurst burst;
      Tsc at;
    };
    Port& port;
    QueuePair queue;
    std::array<Received, 2> received;  // [turn] is fetched next; the other one may wait to be read
    unsigned turn = 0;
    TxBurst burst;
    std::array<Outgoing, kBurst> outgoing;          // as many as the burst holds
    std::size_t outgoing_count = 0;                 // while they are filed
    std::array<tasks::QueuedTask, kBurst> spoofed;  // a spoofed probe is in flight nowhere
    std::uint32_t spoofed_count = 0;
    probes::MacAddr mac;         // ours
    std::uint64_t next_hop = 0;  // the one in `ethernet`
    std::array<std::byte, kEthernetBytes> ethernet{};
    Tsc stuck_since;
    bool is_stuck = false;
    std::uint32_t era = 0;  // of the port, when it was last looked at
    bool is_held = false;   // the port is not touched
    Tsc held_since;
    // A probe that left before cannot count on a reply: the port was, or is, held since.
    Tsc interrupted_until;
  };

  // What the frames of the burst that is read seem to be, computed for all of them together.
  struct Peeked {
    std::array<std::span<std::byte>, kBurst> frames;
    std::array<std::uint32_t, kBurst> handles;
    std::array<InflightRing::Place, kBurst> places;  // of the handles
    probes::TagBurst tag_words;                      // all zero: of no tag
    std::array<std::uint64_t, kBurst> tags;          // that these words have under the current key
  };
  // A frame that came.
  struct Arrival {
    Tsc at;
    std::size_t index;  // in peeked_
  };

  // worker.cc: the round and its orders
  bool take_orders() noexcept;
  void lap(Stage stage, std::size_t packets) noexcept;
  void begin_trace(const Assignment& assignment, Tsc now) noexcept;
  void advance(std::uint32_t trace, const tracing::Trace::Step& step, Tsc now) noexcept;
  void report_hop(HopReport hop) noexcept;
  void answer_hop(const HopReport& hop, Tsc now) noexcept;
  void end_trace(std::uint32_t trace, tasks::Outcome outcome, tasks::Reason reason) noexcept;
  bool take_answered_hops(Tsc now) noexcept;
  bool expire(Tsc now) noexcept;
  [[nodiscard]] bool is_anything_under_way() noexcept;
  void nap(unsigned idle_rounds) noexcept;
  void schedule(std::uint32_t item, Tsc now) noexcept;
  [[nodiscard]] static Schedule::Send send_of(const tasks::Task& task, bool is_spoofed) noexcept;
  void defer(std::uint32_t item, Tsc now) noexcept;
  bool retry_deferred(Tsc now) noexcept;
  void set_waiting(std::uint32_t item, bool is_waiting) noexcept;
  void fail(std::uint32_t item, tasks::Reason reason) noexcept;
  void fail(const tasks::QueuedTask& queued, tasks::Reason reason) noexcept;
  void fail(const Chosen& chosen, tasks::Reason reason) noexcept;
  [[nodiscard]] const tasks::QueuedTask& queued_of(std::uint32_t item) const noexcept;
  [[nodiscard]] std::uint8_t port_of(std::uint32_t item) const noexcept;
  // An item that is none: a task that still stands in the mailbox.
  static constexpr std::uint32_t kDirect = 0xffffffff;
  [[nodiscard]] bool is_trace(std::uint32_t item) const noexcept {
    return item >= waiting_ && item != kDirect;
  }
  void publish_gauges() noexcept;
  // The place of a trace in udp_traces_. Two traces alike share it, and the later one has it.
  [[nodiscard]] static std::uint32_t udp_key(probes::Ipv4Addr destination,
                                             std::uint16_t flow) noexcept {
    return destination.value ^ (std::uint32_t{flow} * 0x9e3779b1U);
  }

  // worker_choose.cc: which probes leave now
  bool choose(Tsc now) noexcept;
  void choose_scheduled(std::size_t until, Tsc now) noexcept;
  bool take_from_mailbox(std::size_t until, Tsc now) noexcept;
  void try_choose(const tasks::QueuedTask& queued, std::uint32_t item, std::uint8_t port,
                  bool is_spoofed, Tsc now) noexcept;
  void apply_policy() noexcept;
  [[nodiscard]] tasks::Reason policy_refusal(const tasks::Task& task, std::uint32_t admitted_under,
                                             bool is_spoofed, Tsc now) const noexcept;
  void put_off(const Chosen& candidate, Tsc now) noexcept;
  void await_place(const Chosen& candidate, Tsc now) noexcept;
  [[nodiscard]] std::uint32_t kept(const Chosen& candidate) noexcept;
  [[nodiscard]] Tsc& unplaced_since(std::uint32_t item) noexcept;
  std::uint32_t keep_single(const Assignment& assignment) noexcept;
  bool drain() noexcept;

  // worker_send.cc
  bool send(Tsc now) noexcept;
  void reserve_buffers(Tsc now) noexcept;
  void craft_chosen() noexcept;
  void craft_on(Lane& lane, std::size_t port) noexcept;
  void craft_one(std::size_t index) noexcept;
  void file_chosen() noexcept;
  bool flush(Lane& lane) noexcept;
  bool offer(Lane& lane, Tsc now) noexcept;
  void count_sent(const Lane& lane, std::size_t accepted, Tsc at) noexcept;
  void give_up(Lane& lane, tasks::Reason reason) noexcept;
  void ask_neighbours(Tsc now) noexcept;
  bool send_frame(Lane& lane, std::span<const std::byte> frame) noexcept;

  // worker_link.cc: ports that are held
  void follow_port(Lane& lane) noexcept;
  void interrupt(Lane& lane, Tsc until) noexcept;
  void await_port(const Chosen& candidate, Tsc now) noexcept;
  void end_interrupted(const Flight& flight) noexcept;

  // worker_receive.cc
  bool receive(Lane& lane) noexcept;
  void read(Lane& lane, Lane::Received& received) noexcept;
  void peek(const RxBurst& burst) noexcept;
  void take_frame(Lane& lane, const Arrival& arrival) noexcept;
  void take_local(Lane& lane, probes::Reject reject, std::span<std::byte> frame,
                  Tsc arrived) noexcept;
  [[nodiscard]] ArpOutcome take_arp(Lane& lane, std::span<const std::byte> frame,
                                    Tsc arrived) noexcept;
  [[nodiscard]] RxOutcome answer(const probes::Reply& reply, const Arrival& arrival) noexcept;
  [[nodiscard]] RxOutcome answer_echo(const probes::Reply& reply, const Arrival& arrival) noexcept;
  [[nodiscard]] RxOutcome answer_tcp(const probes::Reply& reply, const Arrival& arrival) noexcept;
  [[nodiscard]] RxOutcome answer_error(const probes::Reply& reply, const Arrival& arrival) noexcept;
  [[nodiscard]] RxOutcome finish(const probes::Reply& reply, const InflightRing::Place& place,
                                 const Flight& flight, tasks::Proof proof, Tsc arrived) noexcept;
  [[nodiscard]] RxOutcome finish_trace(const probes::Reply& reply, const InflightRing::Place& place,
                                       const Flight& flight, tasks::Proof proof,
                                       Tsc arrived) noexcept;
  FrameFate count(const probes::Reply& reply, RxOutcome outcome) noexcept;

  // worker_prove.cc: what a reply proves of the probe in flight that its handle names, or why it
  // is not believed
  using Verdict = tl::expected<tasks::Proof, RxOutcome>;
  [[nodiscard]] Verdict prove_echo(const probes::Reply& reply, const Flight& flight,
                                   const Arrival& arrival) noexcept;
  [[nodiscard]] Verdict prove_quote(const probes::Reply& reply, std::uint32_t handle,
                                    const Flight& flight, const Arrival& arrival) noexcept;
  [[nodiscard]] Verdict prove_short_quote(const probes::Reply& reply, std::uint32_t handle,
                                          const Flight& flight) noexcept;
  [[nodiscard]] RxOutcome observe(const probes::Reply& reply, const probes::Identity& identity,
                                  probes::Ipv4Addr dst, const Arrival& arrival) noexcept;
  [[nodiscard]] probes::TagInput tag_input(const Flight& flight,
                                           std::uint32_t handle) const noexcept;
  [[nodiscard]] InflightRing* ring_of(const InflightRing::Place& place) const noexcept {
    return place.worker < all_.size() ? &all_[place.worker]->inflight_ : nullptr;
  }
  [[nodiscard]] InflightRing::Place place_of(std::uint32_t handle,
                                             const Arrival& arrival) const noexcept {
    const std::size_t index = arrival.index;
    return handle == peeked_.handles[index] ? peeked_.places[index] : inflight_.place_of(handle);
  }
  [[nodiscard]] std::optional<Flight> find(const InflightRing::Place& place,
                                           Tsc now) const noexcept {
    const InflightRing* const ring = ring_of(place);
    if (ring == nullptr) return std::nullopt;
    return ring->find(place, now);
  }
  [[nodiscard]] std::optional<std::uint32_t> udp_under_way(const probes::Quoted& quoted) noexcept;
  // What a spoofed probe carries where others carry their handle.
  [[nodiscard]] static std::uint32_t spoofed_handle(std::uint64_t number) noexcept {
    return static_cast<std::uint32_t>(number);
  }
  [[nodiscard]] probes::Ipv4Addr source_of(const Flight& flight) const noexcept {
    return addresses_[flight.port];
  }
  [[nodiscard]] std::uint64_t current_tag(const probes::TagInput& input,
                                          const Arrival& arrival) const noexcept;
  [[nodiscard]] bool is_own_tag(const probes::TagInput& input, std::uint64_t tag,
                                const Arrival& arrival) const noexcept;
  [[nodiscard]] bool is_own_address(probes::Ipv4Addr address) const noexcept;

  const unsigned index_;
  const std::uint32_t waiting_;
  const std::size_t max_reports_;  // a round's
  const config::EngineConfig::Idle idle_;
  NapLength long_nap_;
  Doze doze_;
  std::atomic<bool> has_work_{false};  // was busy last, or has something under way
  Shared& shared_;
  TagKeys keys_;
  InflightRing inflight_;
  Schedule schedule_;
  SeenTags seen_;
  probes::Templates templates_;

  // Items: [0, waiting_) are single probes, [waiting_, waiting_ + traces) are traces.
  std::vector<Single> singles_;
  std::vector<std::uint32_t> free_singles_;
  HugeArray<TraceState> traces_;
  std::vector<std::uint32_t> free_traces_;
  FixedMap<std::uint32_t> udp_traces_;  // hash of destination and flow -> trace
  std::vector<Deferred> deferred_;      // a ring, in the order of `again`
  std::size_t deferred_first_ = 0;
  std::size_t deferred_count_ = 0;

  std::vector<std::unique_ptr<Lane>> lanes_;             // one a port
  Tsc interrupted_until_;                                // the latest of the lanes'
  std::array<probes::Ipv4Addr, kMaxPorts> addresses_{};  // of the ports

  const SendPolicy* policy_ = nullptr;  // in force this round
  std::uint32_t policy_number_ = 0;

  // Of the burst that leaves now.
  std::array<Chosen, kBurst> chosen_;
  std::array<std::uint32_t, kBurst> handles_;
  std::array<const probes::Template*, kBurst> shapes_;
  std::size_t chosen_count_ = 0;
  std::size_t drawn_ = 0;  // from the mailbox, and still standing there
  Tsc filed_at_;
  probes::TagBurst tag_words_;
  probes::EchoBurst echoes_;

  Peeked peeked_;

  bool has_rested_ = true;  // there was nothing to send in the last round
  bool is_draining_ = false;
  std::uint32_t drained_ = 0;  // items looked at
  std::uint16_t next_ip_id_ = 0;
  Spacing echo_replies_;
  Tsc next_neighbour_check_;

  SpscRing<Assignment> tasks_;
  SpscRing<Order> orders_;
  ReportRing reports_;
  std::vector<Worker*> all_;
  // [i]: attempts of our traces that worker i claimed, their TTLs not filled in.
  std::vector<std::unique_ptr<SpscRing<HopReport>>> inboxes_;
  bool is_timed_ = false;  // this round's stages are timed
  Tsc lap_began_;
  WorkerCounters counters_;
  FrameTap tap_;
};

}  // namespace backsight::engine
