// kill: how long after the kill switch the last packet leaves. The worker sends as fast as it can;
// the other core throws the switch, as control does when the signal came, and notes the last frame.
#include <rte_cycles.h>

#include <algorithm>

#include "perf/load/benches.h"
#include "perf/load/feed.h"
#include "perf/load/rig.h"

namespace backsight::perf {

Expected<Figures> bench_kill(const Options& options) {
  Figures figures("kill", "from the kill switch to the last frame, at full rate");
  auto eal = start_eal(options.control_core, options.worker_core, options.use_hugepages);
  if (!eal) return tl::unexpected(eal.error());
  RingPort wire(1024);
  auto opened =
      Rig::open({.device = wire.device(), .limits = {}, .use_hugepages = options.use_hugepages});
  if (!opened) return tl::unexpected(opened.error());
  Rig& rig = **opened;
  rig.launch([&] {
    engine::Worker& worker = rig.worker();
    Feed feed(worker, Rig::record_route(50));
    while (!rig.shared().is_stopping.load(std::memory_order_relaxed)) {
      feed.fill(64);
      worker.round();
      worker.reports().read(256, [](const engine::Report&) {});
    }
  });
  const std::uint64_t hz = rig.clock().hz();
  std::uint64_t frames = 0;
  const auto take = [&] {
    const unsigned count = drop_frames(wire.from_port());
    frames += count;
    return count != 0;
  };
  const auto take_for = [&](std::uint64_t ticks) {
    const std::uint64_t start = rte_rdtsc();
    while (rte_rdtsc() - start < ticks) take();
  };
  const auto rounds = static_cast<std::uint64_t>(std::max(1.0, options.seconds * 5));
  double worst_us = 0;
  std::uint64_t after = 0;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    rig.shared().is_silenced = false;
    take_for(hz / 10);
    const std::uint64_t thrown = rte_rdtsc();
    rig.shared().is_silenced = true;
    std::uint64_t last = thrown;
    const std::uint64_t before = frames;
    while (rte_rdtsc() - thrown < hz / 10) {
      if (take()) last = rte_rdtsc();
    }
    after += frames - before;
    worst_us = std::max(worst_us, static_cast<double>(rig.clock().to_ns({last - thrown})) / 1000);
  }
  rig.shared().is_stopping = true;
  rig.wait();
  figures.add("worst_us", worst_us, "from the switch to the last frame; 100 ms are promised");
  figures.add("throws", rounds);
  figures.add("frames_after", after, "of all throws: what was on its way");
  figures.add("frames", frames);
  figures.check("the last frame left within 100 ms", worst_us <= 100'000);
  return figures;
}

}  // namespace backsight::perf
