#include "evaluation/simulated_vp.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace backsight::evaluation {

namespace {

constexpr probes::MacAddr kGatewayMac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr std::size_t kLargestPacket = 1500;
// What a round left undone is looked at again after so long, as by a worker that polls.
constexpr std::uint64_t kPollNs = 100'000;
constexpr std::uint32_t kWaiting = 4096;
constexpr std::uint32_t kTraces = 1024;
// A probe stays in flight for so many seconds at the most; for what is asked here, half of that.
constexpr std::uint64_t kInflightSeconds = 8;
constexpr std::uint64_t kCipherKey = 0x6261636b73696768;

probes::MacAddr mac_of(std::uint16_t id) {
  return {{0x02, 0, 0, 1, static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)}};
}

config::PortConfig port_config(probes::Ipv4Addr address) {
  config::PortConfig port;
  port.address = address;
  port.on_link = false;
  port.gateway_mac = kGatewayMac;
  port.answers = config::PortConfig::Answers::kNo;  // the simulated Internet's kernel does
  return port;
}

engine::WorkerSetup worker_setup(const SimulatedVp::Setup& setup) {
  engine::WorkerSetup worker;
  worker.engine.inflight = static_cast<std::uint32_t>(std::bit_ceil(
      std::clamp<std::uint64_t>(setup.rates.total_pps * kInflightSeconds, 1U << 10, 1U << 18)));
  worker.engine.waiting = kWaiting;
  worker.engine.traces = kTraces;
  worker.limits = engine::limits_per_worker(setup.rates, 1);
  worker.places = engine::schedule_places(worker.engine, setup.rates);
  worker.keys = {setup.key, {setup.key, setup.key, setup.key}};
  return worker;
}

}  // namespace

SimulatedVp::SimulatedVp(const Setup& setup, const engine::TscClock& clock,
                         const engine::FramePool& frames)
    : clock_(clock),
      address_(setup.address),
      total_(setup.rates.total_pps, clock.hz()),
      port_(port_config(setup.address), mac_of(setup.id), clock, frames),
      shared_{.clock = clock,
              .total = total_,
              .vp_id = setup.id,
              .cipher = probes::HandleCipher({kCipherKey, setup.id}),
              .ports = {&port_.port()}},
      worker_(worker_setup(setup), shared_),
      client_(worker_, clock, kTraces) {
  total_.set_rate(setup.rates.total_pps, clock.hz(), clock.now());
}

void SimulatedVp::give(const tasks::Task& task) {
  const bool is_spoofed = !task.src.is_unspecified() && task.src != address_;
  engine::Assignment assignment{.queued = {task}, .is_spoofed = is_spoofed};
  if (!is_spoofed) assignment.queued.task.src = address_;
  client_.give(assignment);
}

void SimulatedVp::receive(std::span<const std::byte> packet) {
  std::array<std::byte, engine::kEthernetBytes + kLargestPacket> frame;
  if (packet.size() > kLargestPacket) return;
  engine::store_ethernet(frame.data(), port_.port().mac(), kGatewayMac);
  std::memcpy(frame.data() + engine::kEthernetBytes, packet.data(), packet.size());
  port_.deliver(std::span(frame).first(engine::kEthernetBytes + packet.size()));
}

void SimulatedVp::run(const std::function<void(std::span<const std::byte>)>& on_sent,
                      tasks::ResultBatch& batch) {
  bool did = false;
  do {
    client_.feed();
    did = worker_.round();
    port_.collect(
        [&](std::span<const std::byte> frame) { on_sent(frame.subspan(engine::kEthernetBytes)); });
    while (client_.read(engine::kBurst, 0, batch) != 0) {
    }
  } while (did);
  next_due_ = worker_.next_due();
  if (next_due_ && *next_due_ <= clock_.now()) next_due_ = clock_.now() + clock_.from_ns(kPollNs);
}

}  // namespace backsight::evaluation
