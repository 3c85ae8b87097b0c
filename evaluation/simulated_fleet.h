// Vantage points of a simulated Internet, on simulated time: what they send goes into a world, what
// the world makes of it comes to them, and what they report reaches the controller.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "config/error.h"
#include "config/vp/vp_config.h"
#include "controller/brain/brain.h"
#include "controller/now.h"
#include "engine/device/in_memory_port.h"
#include "engine/device/tsc.h"
#include "evaluation/simulated_vp.h"
#include "sim/world.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::evaluation {

using controller::SteadyNs;

class SimulatedFleet {
 public:
  struct Options {
    SteadyNs queue_delay = 15 * controller::kMillisecond;  // each way between controller and VP
    config::RatesConfig rates;                             // of each vantage point
  };
  // `world` outlives this. Vantage points are numbered as the world's. Fails when DPDK does not
  // start, or memory is short.
  [[nodiscard]] static Expected<std::unique_ptr<SimulatedFleet>> make(sim::World& world,
                                                                      const Options& options);

  // What vantage point `vp` announces.
  [[nodiscard]] controller::Announcement announcement(std::size_t vp, SteadyNs now) const;
  [[nodiscard]] std::size_t size() const noexcept { return vps_.size(); }

  void put(std::size_t vp, const tasks::Task& task, SteadyNs now);
  // When something happens next; ~0: nothing will.
  [[nodiscard]] SteadyNs next_due() const;
  // Lets time pass; `report` is called with what arrives at the controller.
  using Report = std::function<void(std::size_t vp, const tasks::ResultBatch&)>;
  void advance(SteadyNs now, const Report& report);

  struct Figures {
    std::uint64_t packets = 0;       // sent by vantage points
    std::uint64_t tasks = 0;         // handed to vantage points
    std::uint64_t records = 0;       // results and observations reported
    std::uint64_t record_bytes = 0;  // of them as messages hold them, without the messages' heads
    std::uint64_t messages = 0;      // of results
  };
  [[nodiscard]] const Figures& figures() const noexcept { return figures_; }
  // Sent by each vantage point.
  [[nodiscard]] std::vector<std::uint64_t> packets_by_vp() const;

 private:
  struct Vp {
    std::unique_ptr<SimulatedVp> engine;
    probes::Ipv4Addr address;
    std::uint64_t packets = 0;
    SteadyNs round_at = ~SteadyNs{0};  // an event is there for it
    tasks::ResultBatch batch;          // gathered, as backsight-vp does
  };
  struct Round {};
  struct Commit {};
  struct Packet {
    std::vector<std::byte> bytes;
  };
  struct Event {
    std::size_t vp = 0;
    std::variant<Round, Commit, tasks::Task, Packet, tasks::ResultBatch> what;
  };

  SimulatedFleet(sim::World& world, const Options& options,
                 std::unique_ptr<engine::FramePool> frames);
  void add(SteadyNs at, std::size_t vp, decltype(Event::what) what);
  void happen(const Event& event, const Report& report);
  void run(std::size_t vp);
  void inject(std::size_t vp, std::span<const std::byte> packet);
  void commit(std::size_t vp);

  sim::World& world_;
  const Options options_;
  engine::Tsc now_;
  engine::TscClock clock_;
  std::unique_ptr<engine::FramePool> frames_;
  std::vector<Vp> vps_;
  // By time; of two at the same time the one that was added first comes first.
  std::map<std::pair<SteadyNs, std::uint64_t>, Event> events_;
  std::uint64_t next_event_ = 1;
  sim::Deliveries deliveries_;
  Figures figures_;
};

}  // namespace backsight::evaluation
