// tx: how fast probes leave. One core does all: it writes tasks into the worker's mailbox, runs the
// worker (limits, slots, tags, frames, the port) and reads the reports of those that timed out. The
// port is net_null, which takes all frames and frees them.
#include <rte_cycles.h>

#include "perf/load/benches.h"
#include "perf/load/feed.h"
#include "perf/load/rig.h"
#include "perf/load/stages.h"

namespace backsight::perf {
namespace {

constexpr std::size_t kFeed = 64;

}  // namespace

Expected<Figures> bench_tx(const Options& options) {
  Figures figures("tx",
                  "record route probes crafted, tagged, tracked and sent to net_null, with the "
                  "report of each that times out; one core");
  auto eal = start_eal(options.control_core, options.worker_core, options.use_hugepages,
                       "net_null0,size=98,no-rx=1");
  if (!eal) return tl::unexpected(eal.error());
  auto opened = Rig::open({.device = "net_null0",
                           .inflight = options.slots != 0 ? options.slots : 1U << 24,
                           .limits = {},
                           .use_hugepages = options.use_hugepages});
  if (!opened) return tl::unexpected(opened.error());
  Rig& rig = **opened;
  const std::uint32_t timeout_ms = options.timeout_ms != 0 ? options.timeout_ms : 100;
  ReportTally tally;
  std::uint64_t given = 0;
  double seconds = 0;
  StageReading before;
  StageReading after;
  std::uint64_t sent = 0;
  rig.launch([&] {
    engine::Worker& worker = rig.worker();
    const auto count = [&tally](const engine::Report& report) { tally.add(report); };
    Feed feed(worker, Rig::record_route(timeout_ms));
    const auto pass = [&] {
      feed.fill(kFeed);
      worker.round();
      worker.reports().read(256, count);
    };
    const std::uint64_t hz = rig.clock().hz();
    // The first time-outs come before the clock starts: what is measured is the steady state.
    const auto warm_up = [&](std::uint64_t until) {
      while (rte_rdtsc() < until) pass();
    };
    warm_up(rte_rdtsc() + hz / 1000 * (timeout_ms + 100));
    before = read_stages(worker.counters());
    const std::uint64_t sent_before = worker.counters().sent.sum();
    const std::uint64_t start = rte_rdtsc();
    const auto span = static_cast<std::uint64_t>(options.seconds * static_cast<double>(hz));
    while (rte_rdtsc() - start < span) {
      for (int i = 0; i < 64; ++i) pass();
    }
    const std::uint64_t end = rte_rdtsc();
    sent = worker.counters().sent.sum() - sent_before;
    after = read_stages(worker.counters());
    seconds = static_cast<double>(end - start) / static_cast<double>(hz);
    given = feed.given();
    while (tally.reports < given && rte_rdtsc() - end < 10 * hz) {
      worker.round();
      worker.reports().read(256, count);
    }
  });
  rig.wait();
  const engine::WorkerCounters& counters = rig.counters();
  figures.add("mpps", static_cast<double>(sent) / seconds / 1e6, "million probes a second");
  figures.add("cycles_per_packet",
              seconds * static_cast<double>(rig.clock().hz()) / static_cast<double>(sent),
              "TSC cycles, everything on the core");
  add_stages(figures, before, after);
  figures.add("frame_bytes", std::uint64_t{98});
  figures.add("inflight_slots", std::uint64_t{rig.worker().inflight_capacity()});
  figures.add("timeout_ms", std::uint64_t{timeout_ms});
  figures.add("probes", counters.sent.sum());
  figures.add("hugepages", options.use_hugepages ? "yes" : "no");
  figures.check("each task has one report", tally.reports == given);
  figures.check("tasks = results", counters.tasks.value() == counters.results.sum());
  figures.check("crafted = sent", counters.crafted.value() == counters.sent.sum());
  figures.check("none was refused by the port", counters.transmit_refused.value() == 0);
  figures.check("no buffer is left", rig.port().buffers_in_use() == 0);
  return figures;
}

}  // namespace backsight::perf
