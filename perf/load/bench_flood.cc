// flood: honest probes while somebody floods the port with forged replies. The other core is the
// network and the forger in turns: it answers what was asked, and else forges as fast as it can.
// What matters: how many of the honest replies are still matched, and that no forged one ever is.
#include <rte_cycles.h>

#include <atomic>

#include "perf/load/benches.h"
#include "perf/load/feed.h"
#include "perf/load/forger.h"
#include "perf/load/reflector.h"
#include "perf/load/rig.h"
#include "perf/load/stages.h"

namespace backsight::perf {
namespace {

constexpr std::uint64_t kHonestPps = 100'000;
constexpr std::uint32_t kTimeoutMs = 200;

struct Phase {
  std::uint64_t replied = 0;
  std::uint64_t ended = 0;
  [[nodiscard]] double share() const {
    return ended == 0 ? 0 : static_cast<double>(replied) / static_cast<double>(ended);
  }
};

}  // namespace

Expected<Figures> bench_flood(const Options& options) {
  Figures figures("flood", "100,000 honest probes a second beside forged replies at full rate");
  auto eal = start_eal(options.control_core, options.worker_core, options.use_hugepages);
  if (!eal) return tl::unexpected(eal.error());
  RingPort wire(1024);
  auto opened = Rig::open({.device = wire.device(),
                           .rate_pps = kHonestPps,
                           .limits = {},
                           .use_hugepages = options.use_hugepages});
  if (!opened) return tl::unexpected(opened.error());
  Rig& rig = **opened;
  Reflector network(wire, rig.clock(), 1, {}, 0);
  Forger forger(wire, rig.port().mac());
  engine::Worker& worker = rig.worker();
  std::atomic<bool> is_feeding{true};
  std::atomic<std::uint64_t> given{0};
  rig.launch([&] {
    Feed feed(worker, Rig::record_route(kTimeoutMs));
    while (!rig.shared().is_stopping.load(std::memory_order_relaxed)) {
      if (is_feeding.load(std::memory_order_relaxed)) {
        feed.fill(16);
      } else if (given.load(std::memory_order_relaxed) == 0) {
        given = feed.given();
      }
      worker.round();
    }
  });
  std::uint64_t accepted_forgeries = 0;
  std::uint64_t reports = 0;
  Phase phase;
  const auto read = [&](const engine::Report& report) {
    ++reports;
    ++phase.ended;
    if (report.head().outcome != tasks::Outcome::kReplied) return;
    ++phase.replied;
    if (report.head().reply.ttl == kForgedTtl) ++accepted_forgeries;
  };
  const std::uint64_t hz = rig.clock().hz();
  const auto run_for = [&](double seconds, bool floods) {
    const std::uint64_t start = rte_rdtsc();
    const auto span = static_cast<std::uint64_t>(seconds * static_cast<double>(hz));
    phase = {};
    while (rte_rdtsc() - start < span) {
      network.step();
      worker.reports().read(64, read);
      if (floods) forger.step();
    }
    return static_cast<double>(rte_rdtsc() - start) / static_cast<double>(hz);
  };
  run_for(0.5, false);
  run_for(std::min(options.seconds, 3.0), false);
  const Phase calm = phase;
  const std::uint64_t received_before = rig.counters().received.value();
  const StageReading before = read_stages(rig.counters());
  double flooded_seconds = 0;
  Phase flooded;
  do {
    flooded_seconds += run_for(options.seconds, true);
    flooded.replied += phase.replied;
    flooded.ended += phase.ended;
  } while (forger.sent() < options.forged);
  const std::uint64_t received = rig.counters().received.value() - received_before;
  const std::uint64_t carried = forger.sent();
  const StageReading after = read_stages(rig.counters());
  // Then it does not wait for room any more, and the full queue drops whatever comes.
  network.drop_when_full();
  forger.drop_when_full();
  const double overflowing_seconds = run_for(std::min(options.seconds, 3.0), true);
  const Phase overflowing = phase;
  const double offered = static_cast<double>(forger.sent() - carried + forger.dropped());
  is_feeding = false;
  const std::uint64_t patience = rte_rdtsc() + 5 * hz;
  while ((given.load() == 0 || reports < given.load()) && rte_rdtsc() < patience) {
    network.step();
    worker.reports().read(64, read);
  }
  rig.shared().is_stopping = true;
  rig.wait();

  const engine::WorkerCounters& counters = rig.counters();
  figures.add("forged", forger.sent(), "well-made replies with guessed handles and tags");
  figures.add("forged_mpps", static_cast<double>(carried) / flooded_seconds / 1e6,
              "as fast as the port's queue takes them");
  figures.add("received_mpps", static_cast<double>(received) / flooded_seconds / 1e6);
  add_stages(figures, before, after);
  figures.add("honest_replied_calm", calm.share() * 100, "% of honest probes");
  figures.add("honest_replied_flooded", flooded.share() * 100, "% of honest probes");
  figures.add("honest_fall_percent", (calm.share() - flooded.share()) * 100);
  figures.add("honest_ended_flooded", flooded.ended);
  figures.add("overflow_offered_mpps", offered / overflowing_seconds / 1e6,
              "beyond what the queue takes: it drops");
  figures.add("honest_replied_overflow", overflowing.share() * 100, "% of honest probes then");
  figures.add("accepted_forgeries", accepted_forgeries);
  for (std::size_t i = 0; i < static_cast<std::size_t>(probes::Reject::kCount); ++i) {
    const auto reject = static_cast<probes::Reject>(i);
    if (counters.rejected[reject].value() == 0) continue;
    figures.add("rejected_" + std::string(name(reject)), counters.rejected[reject].value());
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(engine::RxOutcome::kCount); ++i) {
    const auto outcome = static_cast<engine::RxOutcome>(i);
    if (counters.outcomes[outcome].value() == 0) continue;
    figures.add("seen_" + std::string(name(outcome)), counters.outcomes[outcome].value());
  }
  figures.check("no forged reply was accepted", accepted_forgeries == 0);
  figures.check("honest replies fell by 1% at most", calm.share() - flooded.share() <= 0.01);
  figures.check("received = rejected + outcomes",
                counters.received.value() == counters.rejected.sum() + counters.outcomes.sum());
  figures.check("each task has one report", reports == given.load());
  return figures;
}

}  // namespace backsight::perf
