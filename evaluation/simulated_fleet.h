// Vantage points without ports: they craft, send into a simulated Internet, match and report as
// backsight-vp does, packet by packet, on simulated time.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <unordered_map>
#include <vector>

#include "controller/brain/brain.h"
#include "controller/now.h"
#include "probes/address.h"
#include "probes/craft.h"
#include "sim/world.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::evaluation {

using controller::SteadyNs;
using probes::Ipv4Addr;

class SimulatedFleet {
 public:
  struct Options {
    SteadyNs queue_delay = 15 * controller::kMillisecond;  // each way between controller and VP
    double pps = 300;                                      // of each vantage point
  };
  // `world` outlives this. Vantage points are numbered as the world's.
  SimulatedFleet(sim::World& world, const Options& options);

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
    std::uint64_t packets = 0;  // sent by vantage points
    std::uint64_t delivered = 0;
    std::uint64_t unmatched = 0;
    std::uint64_t tasks = 0;         // handed to vantage points
    std::uint64_t records = 0;       // results and observations reported
    std::uint64_t record_bytes = 0;  // of them as messages hold them, without the messages' heads
    std::uint64_t messages = 0;      // of results: a vantage point gathers for 20 ms
  };
  [[nodiscard]] const Figures& figures() const noexcept { return figures_; }
  // Sent by each vantage point.
  [[nodiscard]] std::vector<std::uint64_t> packets_by_vp() const;

 private:
  struct Trace {
    tasks::TraceResult result;
    std::uint8_t ttl = 1;
    std::uint8_t attempt = 1;
    std::uint8_t silent = 0;  // hops in a row
  };
  struct Flight {
    tasks::Task task;
    std::size_t vp = 0;
    SteadyNs sent_at = 0;
    std::uint32_t handle = 0;
    std::unique_ptr<Trace> trace;
    bool is_spoofed = false;
  };
  struct VpState {
    Ipv4Addr address{};
    std::uint64_t packets = 0;
    SteadyNs free_at = 0;     // when its rate lets it send again
    SteadyNs gathers_to = 0;  // what it reports until then is one message
  };
  struct Event {
    enum class What : std::uint8_t { kSend, kArrive, kTimeout, kReport };
    SteadyNs at = 0;
    std::uint64_t number = 0;
    What what = What::kSend;
    std::size_t vp = 0;
    std::uint64_t flight = 0;
    std::uint32_t handle = 0;  // of a time-out: whether it is still the one
    std::shared_ptr<std::vector<std::byte>> packet{};
    std::shared_ptr<tasks::ResultBatch> results{};
    friend bool operator>(const Event& a, const Event& b) noexcept {
      return a.at != b.at ? a.at > b.at : a.number > b.number;
    }
  };

  void add(Event event);
  void send_when_free(std::uint64_t id, SteadyNs now);
  void send(std::uint64_t id, SteadyNs now);
  void arrive(std::size_t vp, const std::vector<std::byte>& packet, SteadyNs now);
  void time_out(std::uint64_t id, SteadyNs now);
  void answer_trace(std::uint64_t id, Flight& flight, const probes::Reply* reply, SteadyNs now);
  void end_trace(std::uint64_t id, Flight& flight, tasks::Outcome outcome, SteadyNs now);
  void report(std::size_t vp, tasks::ResultBatch results, SteadyNs now);
  [[nodiscard]] tasks::ProbeResult head_of(const Flight& flight) const;

  sim::World& world_;
  Options options_;
  std::vector<VpState> vps_;
  std::unordered_map<std::uint64_t, Flight> flights_;           // by number
  std::unordered_map<std::uint32_t, std::uint64_t> by_handle_;  // flights
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t next_flight_ = 1;
  std::uint64_t next_event_ = 1;
  std::uint32_t next_handle_ = 0x10000;
  sim::Deliveries deliveries_;
  Figures figures_;
};

}  // namespace backsight::evaluation
