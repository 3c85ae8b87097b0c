// bench_sim: what the simulated Internet costs.
//
//   start_s, start_mib        building it; resident memory then
//   routes_ms                 computing the routes towards one destination AS
//   all_routes_mib            what the routes towards all of them take (computed, not measured)
//   walks_mpps                Record Route probes between pairs that were never asked for: both
//                             paths walked, routers stamping on the way there and back
//   repeated_mpps             the same probes again and again: paths are kept
//
// Packets come one by one; each is told a little before, as whoever receives bursts can.
// Rates are of CPU time of one thread: other programs on the machine take time, not work.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <vector>

#include "perf/load/figures.h"
#include "probes/crafting/template.h"
#include "sim/draw.h"
#include "sim/world.h"

namespace {

using namespace backsight;

constexpr std::uint64_t kEpoch = 1'800'000'000'000'000'000U;
constexpr std::uint64_t kBetweenNs = 50'000;  // 20,000 packets a second, as a fleet of 150 sends

struct Load {
  std::vector<std::byte> bytes;
  std::vector<probes::Ipv4Addr> from;
  std::size_t each = 0;
};

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double resident_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

Load make_load(const sim::World& world, std::uint32_t packets, std::uint64_t first) {
  const probes::Template shape({.kind = probes::Kind::kRecordRoute});
  Load load{std::vector<std::byte>(shape.size() * packets), {}, shape.size()};
  for (std::uint32_t i = 0; i < packets; ++i) {
    const auto points = world.vantage_points();
    const auto& vp =
        points[sim::below(sim::combine(first, i), static_cast<std::uint32_t>(points.size()))];
    const auto host = world.draw_host(
        first + i, [](const sim::HostTraits& it) { return it.answers_ping && it.answers_options; });
    probes::ProbeFields fields;
    fields.src = vp.address;
    fields.dst = host.value_or(vp.address);
    fields.handle = i + 1;
    shape.craft(fields, load.bytes.data() + load.each * i);
    load.from.push_back(vp.address);
  }
  return load;
}

// Millions of packets a second of CPU time.
double inject(sim::World& world, const Load& load, std::uint64_t& now_ns) {
  sim::Deliveries out;
  const double began = cpu_seconds();
  const auto packet = [&load](std::size_t i) {
    return std::span(load.bytes.data() + load.each * i, load.each);
  };
  for (std::size_t i = 0; i < load.from.size(); ++i) {
    if (i % 64 == 0) out.clear();
    const std::size_t later = i + sim::World::kAhead;
    if (later < load.from.size()) world.expect(packet(later), load.from[later]);
    now_ns += kBetweenNs;
    world.inject(packet(i), load.from[i], now_ns, out);
  }
  return static_cast<double>(load.from.size()) / (cpu_seconds() - began) / 1e6;
}

// Milliseconds for each destination; of 10,000 at most, evenly chosen.
double know_routes(sim::World& world) {
  const std::size_t ases = world.internet().ases.size();
  const std::size_t step = std::max<std::size_t>(1, ases / 10'000);
  const double began = cpu_seconds();
  std::size_t known = 0;
  for (std::size_t to = 0; to < ases; to += step, ++known) {
    static_cast<void>(world.routes().route(to == 0 ? 1 : 0, static_cast<sim::AsIndex>(to), 0));
  }
  return 1000 * (cpu_seconds() - began) / static_cast<double>(known);
}

double answered_share(const sim::World& world) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : world.fates()) all += count;
  const auto answered = world.fates()[static_cast<std::size_t>(sim::Fate::kAnswered)];
  return static_cast<double>(answered) / static_cast<double>(all);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What the simulated Internet costs.", "bench_sim");
  config::WorldConfig config;
  std::uint32_t packets = 100'000;
  bool as_json = false;
  app.add_option("--ases", config.topology.ases)->capture_default_str();
  app.add_option("--packets", packets, "of each kind")->capture_default_str();
  app.add_option("--paths-mib", config.memory.paths_mib)->capture_default_str();
  app.add_flag("--json", as_json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  const double began = cpu_seconds();
  auto made = sim::World::make(config);
  if (!made) {
    fmt::print(stderr, "bench_sim: {}\n", made.error().sentence);
    return 2;
  }
  sim::World& world = **made;
  perf::Figures figures(
      "sim", "The simulated Internet: what it takes to build, and its packets a second.");
  figures.add("ases", std::uint64_t{world.internet().ases.size()});
  figures.add("routers", std::uint64_t{world.internet().group_of_router.size()});
  figures.add("start_s", cpu_seconds() - began, "s");
  figures.add("start_mib", resident_mib(), "MiB");
  figures.add("routes_ms", know_routes(world), "ms");
  figures.add("all_routes_mib",
              static_cast<double>(world.routes().core_size() * sizeof(sim::Route) *
                                  world.internet().ases.size()) /
                  (1 << 20),
              "MiB");
  std::uint64_t now_ns = kEpoch;
  figures.add("walks_mpps", inject(world, make_load(world, packets, 0), now_ns), "Mpps");
  const Load few = make_load(world, std::min(packets, 5000U), 1U << 30);
  inject(world, few, now_ns);
  double best = 0;
  for (int i = 0; i < 20; ++i) best = std::max(best, inject(world, few, now_ns));
  figures.add("repeated_mpps", best, "Mpps");
  figures.add("resident_mib", resident_mib(), "MiB");
  figures.add("answered", 100 * answered_share(world), "%");
  figures.check("most probes are answered", answered_share(world) > 0.8);
  fmt::print("{}\n", as_json ? figures.json() : figures.table());
  return figures.all_hold() ? 0 : 1;
}
