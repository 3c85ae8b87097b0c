#include "perf/load/rig.h"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <utility>

namespace backsight::perf {
namespace {

std::uint64_t hz_of_machine() {
  static const std::uint64_t hz = engine::measure_tsc_hz();
  return hz;
}

int run_body(void* body) {
  (*static_cast<std::function<void()>*>(body))();
  return 0;
}

}  // namespace

Expected<engine::Eal> start_eal(unsigned control_core, unsigned worker_core, bool use_hugepages,
                                const std::string& device) {
  config::EalConfig config;
  config.control = control_core;
  config.workers = {worker_core};
  config.hugepages =
      use_hugepages ? config::EalConfig::Hugepages::kRequired : config::EalConfig::Hugepages::kOff;
  engine::EalUser user{.name = "bench", .devices = {}};
  if (!device.empty()) user.devices.push_back(device);
  auto plan = engine::plan_eal(config, user);
  if (!plan) return tl::unexpected(plan.error());
  // Ports made of rings are not in the plan, but their buffers need memory too.
  const auto memory = std::ranges::find(plan->arguments, "-m");
  if (memory != plan->arguments.end()) *std::next(memory) = "256";
  return engine::Eal::start(*plan);
}

void run_on_worker_core(std::function<void()>& body) {
  rte_eal_remote_launch(run_body, &body, engine::lcore_of_worker(0));
}

void wait_for_worker_core() { rte_eal_wait_lcore(engine::lcore_of_worker(0)); }

RingPort::RingPort(unsigned slots) {
  static int number = 0;
  const std::string name = fmt::format("wire{}", number++);
  const auto make = [&](const char* way) {
    return rte_ring_create((name + way).c_str(), slots, SOCKET_ID_ANY,
                           RING_F_SP_ENQ | RING_F_SC_DEQ);
  };
  to_port_ = make("_to");
  from_port_ = make("_from");
  const int port = rte_eth_from_rings(name.c_str(), &to_port_, 1, &from_port_, 1, SOCKET_ID_ANY);
  std::array<char, RTE_ETH_NAME_MAX_LEN> device{};
  if (port >= 0) rte_eth_dev_get_name_by_port(static_cast<std::uint16_t>(port), device.data());
  device_ = device.data();
}

RingPort::~RingPort() {
  rte_ring_free(to_port_);
  rte_ring_free(from_port_);
}

unsigned drop_frames(rte_ring* ring) {
  std::array<rte_mbuf*, 64> packets;
  const unsigned count = rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void**>(packets.data()),
                                                   packets.size(), nullptr);
  rte_pktmbuf_free_bulk(packets.data(), count);
  return count;
}

Rig::Rig(const RigSetup& setup)
    : clock_(hz_of_machine()),
      total_(setup.rate_pps, clock_.hz()),
      shared_{.clock = clock_,
              .total = total_,
              .vp_id = kRigVp,
              .cipher = probes::HandleCipher({3, 4}),
              .ports = {}} {}

Expected<std::unique_ptr<Rig>> Rig::open(const RigSetup& setup) {
  std::unique_ptr<Rig> rig(new Rig(setup));
  config::PortConfig port;
  port.device = setup.device;
  port.address = kRigAddress;
  port.gateway = probes::Ipv4Addr{0xc0000201};
  port.gateway_mac = kRigGateway;
  port.rx_descriptors = port.tx_descriptors = setup.descriptors;
  port.answers = config::PortConfig::Answers::kNo;
  auto opened = engine::Port::open(port, 1, rig->clock_);
  if (!opened) return tl::unexpected(opened.error());
  rig->port_ = std::move(*opened);
  rig->shared_.ports.push_back(rig->port_.get());
  engine::WorkerSetup worker{.index = 0,
                             .workers = 1,
                             .engine = {},
                             .limits = setup.limits,
                             .places = 1U << 16,
                             .keys = {kRigKey, {kRigKey, kRigKey, kRigKey}},
                             .want_huge = setup.use_hugepages};
  worker.engine.inflight = setup.inflight;
  worker.engine.traces = setup.traces;
  rig->worker_ = std::make_unique<engine::Worker>(worker, rig->shared_);
  rig->worker_->inflight().touch();
  rig->total_.set_rate(setup.rate_pps, rig->clock_.hz(), {rte_rdtsc()});
  rig->clock_.set_unix_offset({rte_rdtsc()}, 1'700'000'000'000'000'000);
  return rig;
}

Rig::~Rig() { wait(); }

void Rig::launch(std::function<void()> body) {
  body_ = std::move(body);
  run_on_worker_core(body_);
}

void Rig::wait() { wait_for_worker_core(); }

engine::Assignment Rig::record_route(std::uint32_t timeout_ms) {
  engine::Assignment assignment;
  assignment.queued.task.kind = probes::Kind::kRecordRoute;
  assignment.queued.task.src = kRigAddress;
  assignment.queued.task.timeout_ms = timeout_ms;
  return assignment;
}

}  // namespace backsight::perf
