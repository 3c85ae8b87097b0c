// A vantage point without control and without threads: workers whose rounds a test calls, on ports
// made of rings, before a fake Internet. The test plays control's part. Time passes between rounds,
// and by rounds alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/worker/worker.h"
#include "engine/worker/worker_client.h"
#include "fake_time.h"
#include "network.h"

namespace backsight::engine {

struct BenchSetup {
  std::uint16_t vp_id = 7;
  Ipv4Addr address = ip("192.0.2.10");
  std::uint8_t prefix_length = 24;
  unsigned workers = 1;
  unsigned queues = 0;        // of the port; 0: one a worker
  unsigned step_us = 10;      // what time passes in a round
  bool knows_gateway = true;  // its MAC stands in the config
  bool has_gateway = true;
  bool on_link = true;  // its prefix
  unsigned wire_slots = 512;
  std::uint64_t rate_pps = 10'000'000;
  ScheduleLimits limits = {};
  std::uint32_t places = 4096;
  std::uint32_t inflight = 1024;
  std::uint32_t waiting = 1024;
  std::uint32_t traces = 64;
  probes::TagKey key = {11, 22};
  config::PortConfig::Answers answers = config::PortConfig::Answers::kYes;
};

class Bench {
 public:
  explicit Bench(FakeInternet& internet, const BenchSetup& setup = {});
  ~Bench();

  // Gives the task to a worker, as control would after admission.
  void assign(tasks::Task task, unsigned worker = 0, bool is_spoofed = false);
  // One round of each worker, one step of the Internet; reports are read unless `reads_reports` is
  // off.
  void round();
  // What a round ends with, for who makes one by hand.
  void pass_time() { now = now + TscSpan{setup.step_us * kTicksPerUs}; }
  // Control's part of a round.
  void read_reports();
  // Rounds until `is_done`. False: it took more than `most_rounds`.
  static constexpr std::uint64_t kMostRounds = 1'000'000;
  bool run_until(const std::function<bool()>& is_done, std::uint64_t most_rounds = kMostRounds);
  // Rounds until each task has its result.
  bool run_until_done();
  void run_for_ms(std::uint64_t ms);
  void order(const Order& order);

  // The laws that hold when nothing is under way.
  void check_laws();

  [[nodiscard]] const tasks::ProbeResult& result_of(std::uint64_t task) const;
  [[nodiscard]] const tasks::TraceResult& trace_of(std::uint64_t task) const;
  [[nodiscard]] std::uint64_t count(RxOutcome outcome) const;
  [[nodiscard]] std::uint64_t rejected(probes::Reject reject) const;
  [[nodiscard]] std::uint64_t arp(ArpOutcome outcome) const;
  [[nodiscard]] const WorkerCounters& counters(unsigned worker = 0) const {
    return workers[worker]->counters();
  }

  FakeInternet& internet;
  const BenchSetup setup;
  Wire wire;
  Tsc now = at_ms(1'000'000);
  TscClock clock{kTicksPerSecond, now};
  TotalRate total;
  Shared shared;
  std::unique_ptr<Port> port;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<WorkerClient> clients;  // of each worker
  Site site;
  bool reads_reports = true;

  // What the workers reported.
  tasks::ResultBatch batch;
  const std::vector<tasks::ProbeResult>& results = batch.probes;
  const std::vector<tasks::TraceResult>& traces = batch.traces;
  const std::vector<tasks::Observation>& observations = batch.observations;
  std::uint64_t assigned = 0;
};

// Tasks with the contract's defaults.
tasks::Task ping(std::uint64_t id, const char* dst);
tasks::Task record_route(std::uint64_t id, const char* dst);
tasks::Task trace(std::uint64_t id, const char* dst,
                  probes::TraceMethod method = probes::TraceMethod::kIcmp);

}  // namespace backsight::engine
