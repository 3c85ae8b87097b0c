#include "bench.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace backsight::engine {
namespace {

config::PortConfig port_config(const BenchSetup& setup, const Wire& wire) {
  config::PortConfig port;
  port.device = wire.device();
  port.address = setup.address;
  port.prefix_length = setup.prefix_length;
  port.on_link = setup.on_link;
  if (setup.has_gateway) port.gateway = FakeInternet::kGateway;
  if (setup.has_gateway && setup.knows_gateway) port.gateway_mac = FakeInternet::kGatewayMac;
  port.answers = setup.answers;
  port.rx_descriptors = 64;
  port.tx_descriptors = 1024;
  return port;
}

}  // namespace

Bench::Bench(FakeInternet& fake_internet, const BenchSetup& bench_setup)
    : internet(fake_internet),
      setup(bench_setup),
      wire(bench_setup.queues != 0 ? bench_setup.queues : bench_setup.workers,
           bench_setup.wire_slots),
      total(bench_setup.rate_pps, clock.hz()),
      shared{.clock = clock,
             .total = total,
             .vp_id = bench_setup.vp_id,
             .cipher = probes::HandleCipher({3, 4}),
             .ports = {}} {
  auto opened = Port::open(port_config(setup, wire), setup.workers, clock);
  if (!opened) {
    ADD_FAILURE() << opened.error().sentence;
    std::abort();
  }
  port = std::move(*opened);
  shared.ports.push_back(port.get());
  total.set_rate(setup.rate_pps, clock.hz(), now);
  clock.set_unix_offset(now, 1'700'000'000'000'000'000);
  std::vector<Worker*> all;
  for (unsigned i = 0; i < setup.workers; ++i) {
    WorkerSetup worker{.index = i,
                       .workers = setup.workers,
                       .engine = {},
                       .limits = setup.limits,
                       .places = setup.places,
                       .keys = {setup.key, {setup.key, setup.key, setup.key}},
                       .want_huge = false};
    worker.engine.inflight = setup.inflight;
    worker.engine.waiting = setup.waiting;
    worker.engine.traces = setup.traces;
    workers.push_back(std::make_unique<Worker>(worker, shared));
    clients.emplace_back(*workers.back(), clock, setup.traces);
    all.push_back(workers.back().get());
  }
  for (const auto& worker : workers) worker->connect(all);
  site = {&wire, setup.address, port->mac()};
  internet.attach(site);
}

Bench::~Bench() {
  workers.clear();
  static_cast<void>(wire.take());
  EXPECT_EQ(port->buffers_in_use(), 0U) << "buffers of the port that nobody freed";
  port.reset();
}

void Bench::assign(tasks::Task task, unsigned worker, bool is_spoofed) {
  if (!is_spoofed) task.src = setup.address;
  Assignment assignment{.queued = {task, 1000 + task.id}, .policy = 1, .is_spoofed = is_spoofed};
  clients[worker].give(assignment);
  ASSERT_TRUE(clients[worker].feed()) << "no room";
  ++assigned;
}

void Bench::round() {
  for (const auto& worker : workers) worker->round();
  internet.step();
  pass_time();
  if (reads_reports) read_reports();
}

void Bench::read_reports() {
  for (WorkerClient& client : clients) client.read(32, 0, batch);
}

bool Bench::run_until(const std::function<bool()>& is_done, std::uint64_t most_rounds) {
  for (std::uint64_t rounds = 0; !is_done(); ++rounds) {
    if (rounds == most_rounds) return false;
    round();
  }
  return true;
}

bool Bench::run_until_done() {
  return run_until([this] { return results.size() + traces.size() >= assigned; });
}

void Bench::run_for_ms(std::uint64_t ms) {
  const Tsc end = now + clock.from_ms(ms);
  while (now < end) round();
}

void Bench::order(const Order& order) {
  for (const auto& worker : workers) ASSERT_TRUE(worker->orders().try_push(order));
}

void Bench::check_laws() {
  // What is still on its way arrives.
  while (!internet.is_idle()) round();
  for (int i = 0; i < 20; ++i) round();
  std::uint64_t tasks = 0;
  std::uint64_t told = 0;
  for (const auto& worker : workers) {
    const WorkerCounters& counters = worker->counters();
    EXPECT_EQ(counters.received.value(), counters.rejected.sum() + counters.outcomes.sum());
    EXPECT_EQ(counters.rejected[probes::Reject::kArp].value(), counters.arp.sum());
    EXPECT_EQ(counters.crafted.value(), counters.sent.sum() + counters.given_up.value());
    tasks += counters.tasks.value();
    told += counters.results.sum();
  }
  EXPECT_EQ(tasks, assigned);
  EXPECT_EQ(told, assigned);
  EXPECT_EQ(results.size() + traces.size(), assigned);
  std::set<std::uint64_t> ids;
  for (const auto& it : results) EXPECT_TRUE(ids.insert(it.task).second) << it.task << " twice";
  for (const auto& it : traces) EXPECT_TRUE(ids.insert(it.head.task).second) << it.head.task;
  EXPECT_EQ(count(RxOutcome::kObserved), observations.size());
  EXPECT_EQ(wire.frames_inside(), 0U);
  EXPECT_EQ(port->buffers_in_use(), 0U);
  EXPECT_EQ(Wire::buffers_in_use(), 0U);
}

const tasks::ProbeResult& Bench::result_of(std::uint64_t task) const {
  for (const auto& it : results) {
    if (it.task == task) return it;
  }
  ADD_FAILURE() << "task " << task << " has no result";
  static const tasks::ProbeResult kNone;
  return kNone;
}

const tasks::TraceResult& Bench::trace_of(std::uint64_t task) const {
  for (const auto& it : traces) {
    if (it.head.task == task) return it;
  }
  ADD_FAILURE() << "trace " << task << " has no result";
  static const tasks::TraceResult kNone;
  return kNone;
}

std::uint64_t Bench::count(RxOutcome outcome) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers) sum += worker->counters().outcomes[outcome].value();
  return sum;
}

std::uint64_t Bench::rejected(probes::Reject reject) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers) sum += worker->counters().rejected[reject].value();
  return sum;
}

std::uint64_t Bench::arp(ArpOutcome outcome) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers) sum += worker->counters().arp[outcome].value();
  return sum;
}

tasks::Task ping(std::uint64_t id, const char* dst) {
  tasks::Task task;
  task.id = id;
  task.dst = ip(dst);
  return task;
}

tasks::Task record_route(std::uint64_t id, const char* dst) {
  tasks::Task task = ping(id, dst);
  task.kind = probes::Kind::kRecordRoute;
  return task;
}

tasks::Task trace(std::uint64_t id, const char* dst, probes::TraceMethod method) {
  tasks::Task task = ping(id, dst);
  task.kind = probes::Kind::kTrace;
  task.method = method;
  return task;
}

}  // namespace backsight::engine
