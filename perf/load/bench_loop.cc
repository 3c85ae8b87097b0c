// loop: the whole way of a probe. One core does all of the vantage point: it takes tasks, sends,
// receives, verifies, matches, times and exports. The other core is the network, which answers with
// nine stamped addresses, and control, which reads the reports.
//
// With faults the network loses, doubles, delays and reorders replies, and the books must balance.
#include <rte_cycles.h>

#include <atomic>

#include "perf/load/benches.h"
#include "perf/load/feed.h"
#include "perf/load/reflector.h"
#include "perf/load/rig.h"
#include "perf/load/stages.h"

namespace backsight::perf {
namespace {

constexpr std::size_t kFeed = 64;
constexpr std::uint32_t kOnePercent = 655;  // of 65536

// Checks what came of the tasks while it counts them.
struct RouteCheck {
  ReportTally tally;
  std::uint64_t wrong_routes = 0;
  std::uint64_t wrong_times = 0;

  void add(const engine::Report& report, const engine::TscClock& clock) {
    tally.add(report);
    const engine::ReportHead& head = report.head();
    if (head.outcome != tasks::Outcome::kReplied) return;
    if (clock.to_ns(head.rtt) > 10'000'000'000U) ++wrong_times;
    // The whole route of one in 64; of the others, that there is one.
    if (head.cells != 2) ++wrong_routes;
    if (tally.reports % 64 != 0) return;
    const tasks::Recorded route = report.recorded();
    bool is_right = route.count == 9 && route.slots == 9;
    for (unsigned k = 0; k < 9; ++k) is_right &= route.addresses[k].value == 0x0a4d0001U + k;
    if (!is_right) ++wrong_routes;
  }
};

}  // namespace

Expected<Figures> bench_loop(const Options& options) {
  Figures figures("loop",
                  "record route probes sent, answered with full routes by the other core, "
                  "verified, matched, timed and exported; one worker core");
  auto eal = start_eal(options.control_core, options.worker_core, options.use_hugepages);
  if (!eal) return tl::unexpected(eal.error());
  RingPort wire(1024);
  const bool has_faults = options.has_faults;
  const std::uint32_t timeout_ms =
      options.timeout_ms != 0 ? options.timeout_ms : (has_faults ? 10 : 1000);
  auto opened = Rig::open({.device = wire.device(),
                           .inflight = options.slots != 0 ? options.slots : 1U << 20,
                           .limits = {},
                           .descriptors = static_cast<std::uint16_t>(has_faults ? 8192 : 0),
                           .use_hugepages = options.use_hugepages});
  if (!opened) return tl::unexpected(opened.error());
  Rig& rig = **opened;
  const Faults faults =
      has_faults ? Faults{kOnePercent, kOnePercent, kOnePercent / 10, kOnePercent} : Faults{};
  Reflector network(wire, rig.clock(), 1, faults, 2 * timeout_ms);

  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> given{0};
  rig.launch([&] {
    engine::Worker& worker = rig.worker();
    Feed feed(worker, Rig::record_route(timeout_ms));
    while (!is_over.load(std::memory_order_relaxed)) {
      feed.fill(kFeed);
      worker.round();
    }
    given = feed.given();
    while (!rig.shared().is_stopping.load(std::memory_order_relaxed)) worker.round();
  });

  RouteCheck check;
  const auto read = [&check, &rig](const engine::Report& report) {
    check.add(report, rig.clock());
  };
  const auto step = [&] {
    network.step();
    rig.worker().reports().read(512, read);
  };
  const std::uint64_t hz = rig.clock().hz();
  const auto run_for = [&](double seconds) {
    const std::uint64_t start = rte_rdtsc();
    const auto span = static_cast<std::uint64_t>(seconds * static_cast<double>(hz));
    while (rte_rdtsc() - start < span) {
      for (int i = 0; i < 64; ++i) step();
    }
    return static_cast<double>(rte_rdtsc() - start) / static_cast<double>(hz);
  };
  run_for(0.3);
  const engine::WorkerCounters& counters = rig.counters();
  const StageReading before = read_stages(counters);
  const std::uint64_t matched_before = counters.outcomes[engine::RxOutcome::kMatched].value();
  const std::uint64_t sent_before = counters.sent.sum();
  const double seconds = run_for(options.seconds);
  const std::uint64_t matched =
      counters.outcomes[engine::RxOutcome::kMatched].value() - matched_before;
  const std::uint64_t sent = counters.sent.sum() - sent_before;
  const StageReading after = read_stages(counters);
  is_over = true;
  const std::uint64_t patience = rte_rdtsc() + 20 * hz;
  while ((given == 0 || check.tally.reports < given || network.holds_any()) &&
         rte_rdtsc() < patience) {
    step();
  }
  run_for(0.05);
  rig.shared().is_stopping = true;
  rig.wait();

  figures.add("mpps", static_cast<double>(matched) / seconds / 1e6,
              "million probes a second, answered and exported");
  figures.add("sent_mpps", static_cast<double>(sent) / seconds / 1e6);
  figures.add("of_10gbe_line_rate", static_cast<double>(matched) / seconds / 10.2459e6,
              "of 10.25 Mpps (98-byte frames)");
  figures.add("cycles_per_packet", seconds * static_cast<double>(hz) / static_cast<double>(matched),
              "TSC cycles, sending and receiving");
  add_stages(figures, before, after);
  const auto outcome = [&counters](engine::RxOutcome which) {
    return counters.outcomes[which].value();
  };
  const ReflectorCounts& net = network.counts();
  figures.add("probes", counters.sent.sum());
  figures.add("replied", check.tally.outcomes[tasks::Outcome::kReplied].value());
  figures.add("timed_out", check.tally.outcomes[tasks::Outcome::kTimedOut].value());
  figures.add("lost_by_network", net.lost);
  figures.add("doubled_by_network", net.doubled);
  figures.add("late_by_network", net.late);
  figures.add("reordered_by_network", net.reordered);
  figures.add("seen_duplicate", outcome(engine::RxOutcome::kDuplicate));
  figures.add("seen_late", outcome(engine::RxOutcome::kLate));
  figures.add("transmit_refused", counters.transmit_refused.value());
  figures.add("no_buffer", counters.no_buffer.value());
  figures.add("inflight_full", counters.inflight_full.value());
  figures.add("results_full", counters.results_full.value());

  figures.check("each task has one report", check.tally.reports == given);
  figures.check("tasks = results", counters.tasks.value() == counters.results.sum());
  figures.check("crafted = sent", counters.crafted.value() == counters.sent.sum());
  figures.check("all probes sent were seen by the network", net.probes == counters.sent.sum());
  figures.check("all replies of the network were received",
                net.replies == counters.received.value());
  figures.check("received = rejected + outcomes",
                counters.received.value() == counters.rejected.sum() + counters.outcomes.sum());
  figures.check("nothing was rejected", counters.rejected.sum() == 0);
  figures.check("matched + late + duplicate = received",
                outcome(engine::RxOutcome::kMatched) + outcome(engine::RxOutcome::kLate) +
                        outcome(engine::RxOutcome::kDuplicate) +
                        outcome(engine::RxOutcome::kForeign) ==
                    counters.received.value());
  figures.check("each route is whole", check.wrong_routes == 0);
  figures.check("no time is negative or wrapped", check.wrong_times == 0);
  figures.check("replied = matched", check.tally.outcomes[tasks::Outcome::kReplied].value() ==
                                         outcome(engine::RxOutcome::kMatched));
  if (!has_faults)
    figures.check("none timed out", check.tally.outcomes[tasks::Outcome::kTimedOut].value() == 0);
  figures.check("no buffer is left", rig.port().buffers_in_use() == 0);
  return figures;
}

}  // namespace backsight::perf
