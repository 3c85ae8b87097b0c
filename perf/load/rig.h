// A worker at work without control: EAL on two cores, one port, the engine's own worker on one
// core; the benchmark plays control, and the network behind the port, on the other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "engine/device/eal.h"
#include "engine/device/port.h"
#include "engine/worker/worker.h"
#include "probes/wire/mac_addr.h"

struct rte_ring;

namespace backsight::perf {

// DPDK on two cores: lcore 0 is the benchmark's, lcore 1 the worker's.
[[nodiscard]] Expected<engine::Eal> start_eal(unsigned control_core, unsigned worker_core,
                                              bool use_hugepages, const std::string& device = "");

// Runs `body`, which outlives it, on the worker's core, while the caller goes on.
void run_on_worker_core(std::function<void()>& body);
void wait_for_worker_core();

// A port made of two rings, whose other end is ours.
class RingPort {
 public:
  explicit RingPort(unsigned slots);
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;
  ~RingPort();

  [[nodiscard]] const std::string& device() const noexcept { return device_; }
  [[nodiscard]] rte_ring* to_port() const noexcept { return to_port_; }
  [[nodiscard]] rte_ring* from_port() const noexcept { return from_port_; }

 private:
  std::string device_;
  rte_ring* to_port_;
  rte_ring* from_port_;
};

// Takes what is in the ring, up to 64 frames, and frees it. Returns how many there were.
unsigned drop_frames(rte_ring* ring);

inline constexpr probes::Ipv4Addr kRigAddress{0xc0000202};  // 192.0.2.2
inline constexpr probes::MacAddr kRigGateway{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr std::uint16_t kRigVp = 1;
inline constexpr probes::TagKey kRigKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

struct RigSetup {
  std::string device;
  std::uint32_t inflight = 1U << 20;
  std::uint32_t traces = 4096;
  std::uint64_t rate_pps = 1'000'000'000;
  engine::ScheduleLimits limits;
  std::uint16_t descriptors = 0;  // of each kind; 0: the engine's choice. Buffers go with them
  bool use_hugepages = false;
};

class Rig {
 public:
  [[nodiscard]] static Expected<std::unique_ptr<Rig>> open(const RigSetup& setup);
  ~Rig();

  [[nodiscard]] engine::Worker& worker() noexcept { return *worker_; }
  [[nodiscard]] const engine::WorkerCounters& counters() const noexcept {
    return worker_->counters();
  }
  [[nodiscard]] engine::Port& port() noexcept { return *port_; }
  [[nodiscard]] const engine::TscClock& clock() const noexcept { return clock_; }
  [[nodiscard]] engine::TotalRate& total() noexcept { return total_; }
  [[nodiscard]] engine::Shared& shared() noexcept { return shared_; }

  // Runs `body` on the worker's core, while the caller goes on. wait() ends when it does.
  void launch(std::function<void()> body);
  void wait();

  // An answerless assignment of a record route probe to `dst`.
  [[nodiscard]] static engine::Assignment record_route(std::uint32_t timeout_ms);

 private:
  explicit Rig(const RigSetup& setup);

  engine::TscClock clock_;
  engine::TotalRate total_;
  engine::Shared shared_;
  std::unique_ptr<engine::Port> port_;
  std::unique_ptr<engine::Worker> worker_;
  std::function<void()> body_;
};

// Destinations that never repeat within 2^28: a permutation of the addresses of 16.0.0.0/4.
class Destinations {
 public:
  [[nodiscard]] probes::Ipv4Addr next() noexcept {
    at_ = (at_ + 0x9e3779b1U) & 0x0fffffffU;
    return {0x10000000U | at_};
  }

 private:
  std::uint32_t at_ = 0;
};

// What a count of reports adds up to, none of them of traces.
struct ReportTally {
  engine::CounterArray<tasks::Outcome> outcomes;
  std::uint64_t reports = 0;
  void add(const engine::Report& report) noexcept {
    ++reports;
    if (report.what() == engine::ReportKind::kObservation) return;
    ++outcomes[report.head().outcome];
  }
};

}  // namespace backsight::perf
