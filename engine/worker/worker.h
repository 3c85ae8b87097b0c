// A worker: one core that runs to completion. It owns a queue pair on each port, its in-flight
// ring, its schedule and its counters; each round it takes orders and tasks, receives, expires and
// sends.
//
// No lock, allocation, log or system call in a round; the only sleep is the adaptive nap between
// rounds that did nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/vp/vp_config.h"
#include "engine/device/doze.h"
#include "engine/device/port.h"
#include "engine/device/tsc.h"
#include "engine/worker/arrival.h"
#include "engine/worker/counters.h"
#include "engine/worker/departure.h"
#include "engine/worker/ends.h"
#include "engine/worker/frame_tap.h"
#include "engine/worker/inflight.h"
#include "engine/worker/limiter.h"
#include "engine/worker/local_host.h"
#include "engine/worker/matching.h"
#include "engine/worker/messages.h"
#include "engine/worker/report.h"
#include "engine/worker/send_policy.h"
#include "engine/worker/spsc_ring.h"
#include "engine/worker/stage_timer.h"
#include "engine/worker/surroundings.h"
#include "engine/worker/traces.h"
#include "engine/worker/waiting.h"
#include "engine/worker/worker_setup.h"
#include "probes/identity/identity.h"
#include "probes/ip/address.h"

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
  [[nodiscard]] SpscRing<Assignment>& tasks() noexcept { return waiting_.mailbox(); }
  [[nodiscard]] SpscRing<Order>& orders() noexcept { return orders_; }
  [[nodiscard]] ReportRing& reports() noexcept { return reports_; }
  [[nodiscard]] const WorkerCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::uint32_t inflight_capacity() const noexcept { return inflight_.capacity(); }
  [[nodiscard]] InflightRing& inflight() noexcept { return inflight_; }
  [[nodiscard]] FrameTap& tap() noexcept { return tap_; }

 private:
  bool take_orders() noexcept;
  bool receive(const SendPolicy* policy) noexcept;
  void follow(std::size_t port, const SendPolicy* policy) noexcept;
  bool expire(Tsc now) noexcept;
  bool send(Tsc now, const SendPolicy* policy) noexcept;
  void nap(unsigned idle_rounds) noexcept;
  [[nodiscard]] bool is_anything_under_way() noexcept;
  void publish_gauges() noexcept;

  const unsigned index_;
  const std::size_t max_reports_;  // a round's
  const config::EngineConfig::Idle idle_;
  NapLength long_nap_;
  Doze doze_;
  std::atomic<bool> has_work_{false};  // was busy last, or has something under way
  Shared& shared_;
  TagKeys keys_;
  std::vector<Lane> lanes_;                  // one a port
  std::vector<probes::Ipv4Addr> addresses_;  // of the ports
  WorkerCounters counters_;
  FrameTap tap_;
  SpscRing<Order> orders_;
  ReportRing reports_;
  InflightRing inflight_;
  const Surroundings around_;
  StageTimer timer_;
  // The parts that a round goes through. Each calls none that stands below it.
  Traces traces_;
  Ends ends_;
  Waiting waiting_;
  Departure departure_;
  LocalHost host_;
  Matching matching_;
  Arrival arrival_;
  std::vector<Worker*> all_;
};

}  // namespace backsight::engine
