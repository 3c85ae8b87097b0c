// pace: whether a rate is kept. For each rate the worker sends as the total rate lets it; the other
// core takes the frames from the port, with its own clock, and tells the rate from the first frame
// to the last, and the most frames within any 10 us.
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>

#include "perf/load/benches.h"
#include "perf/load/feed.h"
#include "perf/load/rig.h"

namespace backsight::perf {
namespace {

constexpr std::uint64_t kRates[] = {10, 100, 1'000, 10'000, 100'000, 1'000'000, 5'000'000};
constexpr std::uint64_t kWindowUs = 10;

struct Pace {
  std::uint64_t frames = 0;
  double pps = 0;
  std::uint64_t most_at_once = 0;
  std::uint64_t looked_away = 0;  // times that the watcher lost its core
};

// Takes and forgets frames for so long.
void drain(rte_ring* ring, std::uint64_t span) {
  const std::uint64_t start = rte_rdtsc();
  while (rte_rdtsc() - start < span) drop_frames(ring);
}

// Watches the port for `span` ticks from its first frame on.
Pace watch(rte_ring* ring, std::uint64_t span, std::uint64_t hz) {
  struct Seen {
    std::uint64_t at;
    unsigned count;
  };
  Pace pace;
  std::deque<Seen> window;
  std::uint64_t in_window = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t looked = rte_rdtsc();
  bool is_catching_up = false;
  const std::uint64_t window_ticks = hz / 1'000'000 * kWindowUs;
  std::array<rte_mbuf*, 64> packets;
  for (;;) {
    const unsigned count = rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void**>(packets.data()),
                                                     packets.size(), nullptr);
    const std::uint64_t now = rte_rdtsc();
    if (first != 0 && now - first >= span) {
      rte_pktmbuf_free_bulk(packets.data(), count);
      break;
    }
    const bool looked_away = now - looked > window_ticks / 2;
    if (looked_away) {
      ++pace.looked_away;
      is_catching_up = true;
    }
    looked = now;
    if (count == 0) {
      is_catching_up &= looked_away;
      continue;
    }
    rte_pktmbuf_free_bulk(packets.data(), count);
    if (first == 0) first = now;
    last = now;
    pace.frames += count;
    if (is_catching_up) {
      // Somebody else had this core: what gathered meanwhile says nothing of when it was sent.
      // It may have lost it after it had taken what there was: only the next look tells.
      is_catching_up = looked_away || count == packets.size();
      window.clear();
      in_window = 0;
      continue;
    }
    while (!window.empty() && now - window.front().at > window_ticks) {
      in_window -= window.front().count;
      window.pop_front();
    }
    window.push_back({now, count});
    pace.most_at_once = std::max(pace.most_at_once, in_window += count);
  }
  if (pace.frames > 1) {
    pace.pps = static_cast<double>(pace.frames - 1) * static_cast<double>(hz) /
               static_cast<double>(last - first);
  }
  return pace;
}

}  // namespace

Expected<Figures> bench_pace(const Options& options) {
  Figures figures("pace", "rates as the port sees them, and the most frames within 10 us");
  auto eal = start_eal(options.control_core, options.worker_core, options.use_hugepages);
  if (!eal) return tl::unexpected(eal.error());
  RingPort wire(8192);
  auto opened = Rig::open({.device = wire.device(),
                           .inflight = 1U << 18,
                           .rate_pps = kRates[0],
                           .limits = {},
                           .descriptors = 8192,
                           .use_hugepages = options.use_hugepages});
  if (!opened) return tl::unexpected(opened.error());
  Rig& rig = **opened;
  std::atomic<bool> is_feeding{true};
  rig.launch([&] {
    engine::Worker& worker = rig.worker();
    Feed feed(worker, Rig::record_route(10));
    while (!rig.shared().is_stopping.load(std::memory_order_relaxed)) {
      if (is_feeding.load(std::memory_order_relaxed)) feed.fill(64);
      worker.round();
      worker.reports().read(256, [](const engine::Report&) {});
    }
  });
  const std::uint64_t hz = rig.clock().hz();
  double worst = 0;
  std::uint64_t looked_away = 0;
  for (const std::uint64_t rate : kRates) {
    rig.total().set_rate(rate, hz, {rte_rdtsc()});
    drain(wire.from_port(), hz / 10 + hz / rate);
    const Pace pace =
        watch(wire.from_port(),
              static_cast<std::uint64_t>(options.seconds * static_cast<double>(hz)), hz);
    const double error = (pace.pps / static_cast<double>(rate) - 1) * 100;
    worst = std::max(worst, std::abs(error));
    looked_away += pace.looked_away;
    const std::uint64_t most = std::max<std::uint64_t>(64, rate / 1000);
    figures.add(fmt::format("error_percent_{}", rate), error, fmt::format("asked {} pps", rate));
    figures.add(fmt::format("most_at_once_{}", rate), pace.most_at_once,
                fmt::format("frames within 10 us; {} allowed", most));
    figures.check(fmt::format("no burst above {} at {} pps", most, rate),
                  pace.most_at_once <= most);
  }
  figures.add("watcher_lost_its_core", looked_away, "times");
  figures.add("worst_error_percent", worst, "of all rates");
  rig.shared().is_stopping = true;
  rig.wait();
  return figures;
}

}  // namespace backsight::perf
