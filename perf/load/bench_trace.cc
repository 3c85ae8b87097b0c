// trace: complete traceroutes a second. The worker asks hop by hop; the other core is the network,
// whose routers expire TTLs below twelve and whose host answers the twelfth, and control, which
// gives tasks, reads the hops and checks each of them.
#include <rte_cycles.h>

#include <algorithm>
#include <atomic>
#include <functional>

#include "engine/worker/worker_client.h"
#include "perf/load/benches.h"
#include "perf/load/feed.h"
#include "perf/load/reflector.h"
#include "perf/load/rig.h"
#include "perf/load/stages.h"

namespace backsight::perf {
namespace {

constexpr unsigned kHops = 12;
constexpr std::size_t kFeed = 64;

bool is_right(const tasks::TraceResult& trace) {
  const auto& hops = trace.hops;
  if (trace.head.outcome != tasks::Outcome::kReached || hops.size() != kHops) return false;
  for (unsigned i = 0; i < kHops; ++i) {
    const std::uint32_t expected = i + 1 < kHops ? 0x0a4d0001U + i : trace.head.dst.value;
    if (!hops[i].has_reply || hops[i].ttl != i + 1 || hops[i].reply.from.value != expected) {
      return false;
    }
  }
  return true;
}

}  // namespace

Expected<Figures> bench_trace(const Options& options) {
  Figures figures("trace", "complete ICMP Paris traceroutes of 12 hops; one worker core");
  auto eal = start_eal(options.control_core, options.worker_core, options.use_hugepages);
  if (!eal) return tl::unexpected(eal.error());
  RingPort wire(1024);
  RigSetup setup{.device = wire.device(), .limits = {}, .use_hugepages = options.use_hugepages};
  auto opened = Rig::open(setup);
  if (!opened) return tl::unexpected(opened.error());
  Rig& rig = **opened;
  Reflector network(wire, rig.clock(), kHops, {}, 0);
  engine::Worker& worker = rig.worker();
  rig.launch([&] {
    while (!rig.shared().is_stopping.load(std::memory_order_relaxed)) worker.round();
  });

  engine::Assignment like;
  like.queued.task.kind = probes::Kind::kTrace;
  like.queued.task.src = kRigAddress;
  Feed feed(worker, like);
  std::uint64_t read = 0;
  std::uint64_t wrong = 0;
  engine::WorkerClient client(worker, rig.clock(), setup.traces);
  tasks::ResultBatch batch;
  const auto step = [&](bool feeds) {
    if (feeds) feed.fill(std::min<std::size_t>(kFeed, setup.traces - (feed.given() - read)));
    network.step();
    client.read(512, 0, batch);
    read += batch.traces.size();
    wrong += static_cast<std::uint64_t>(std::ranges::count_if(batch.traces, std::not_fn(is_right)));
    batch.clear();
  };
  const std::uint64_t hz = rig.clock().hz();
  const auto run_for = [&](double seconds) {
    const std::uint64_t start = rte_rdtsc();
    const auto span = static_cast<std::uint64_t>(seconds * static_cast<double>(hz));
    while (rte_rdtsc() - start < span) step(true);
    return static_cast<double>(rte_rdtsc() - start) / static_cast<double>(hz);
  };
  run_for(0.3);
  const StageReading before = read_stages(worker.counters());
  const std::uint64_t read_before = read;
  const double seconds = run_for(options.seconds);
  const double traces = static_cast<double>(read - read_before);
  const StageReading after = read_stages(worker.counters());
  const std::uint64_t patience = rte_rdtsc() + 5 * hz;
  while (read < feed.given() && rte_rdtsc() < patience) step(false);
  rig.shared().is_stopping = true;
  rig.wait();

  const engine::WorkerCounters& counters = rig.counters();
  figures.add("traces_per_second", traces / seconds, "complete traces of 12 hops");
  figures.add("mpps", traces * kHops / seconds / 1e6, "million probes a second, all answered");
  figures.add("cycles_per_packet", seconds * static_cast<double>(hz) / (traces * kHops),
              "TSC cycles, sending and receiving");
  add_stages(figures, before, after);
  figures.add("traces", read);
  figures.add("probes", counters.sent.sum());
  figures.check("each trace was reported", read == feed.given());
  figures.check("each hop of each trace is right", wrong == 0);
  figures.check("no probe was sent twice", counters.sent.sum() == feed.given() * kHops);
  figures.check("no buffer is left", rig.port().buffers_in_use() == 0);
  return figures;
}

}  // namespace backsight::perf
