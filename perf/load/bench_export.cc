// export: results from a worker's reports to the committed log. The other core stands for the
// worker and writes reports of record route replies into the ring as fast as it takes them;
// control's part reads them, batches them and puts the batches into the file queue, which syncs
// each to the disk.
#include <rte_cycles.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "perf/load/benches.h"
#include "perf/load/rig.h"
#include "queue/vp_queue.h"

namespace backsight::perf {
namespace {

constexpr std::size_t kBatch = 32768;  // results, as control gathers under load

// A temporary queue directory, gone when this is.
struct TemporaryDirectory {
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "backsight-bench-XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr) path = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::filesystem::path path;
};

probes::IpOptions full_route() {
  probes::IpOptions options;
  options.has_record_route = true;
  options.record_route.count = options.record_route.slots = 9;
  for (std::uint32_t i = 0; i < 9; ++i) options.record_route.hops[i] = {0x0a4d0001U + i};
  return options;
}

std::uint64_t bytes_below(const std::filesystem::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& it : std::filesystem::recursive_directory_iterator(directory)) {
    if (it.is_regular_file()) bytes += it.file_size();
  }
  return bytes;
}

}  // namespace

Expected<Figures> bench_export(const Options& options) {
  Figures figures("export", "record route results from the report ring to the synced log");
  auto eal = start_eal(options.control_core, options.worker_core, options.use_hugepages);
  if (!eal) return tl::unexpected(eal.error());
  const engine::TscClock clock(engine::measure_tsc_hz());
  TemporaryDirectory directory;
  if (directory.path.empty()) return run_failed("no temporary directory could be made");
  auto queue = queue::open_vp_queue("file://" + directory.path.string(), "bench");
  if (!queue) return tl::unexpected(queue.error());

  engine::ReportRing ring(1U << 16);
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> written{0};
  std::function<void()> worker = [&] {
    const probes::IpOptions route = full_route();
    std::uint64_t task = 0;
    while (!is_over.load(std::memory_order_relaxed)) {
      if (!ring.has_room(64)) continue;
      const engine::Tsc now{rte_rdtsc()};
      for (int i = 0; i < 64; ++i) {
        ++task;
        ring.add({.kind = probes::Kind::kRecordRoute,
                  .outcome = tasks::Outcome::kReplied,
                  .has_reply = true,
                  .task = task,
                  .at = now,
                  .rtt = {1000},
                  .src = kRigAddress,
                  .dst = {static_cast<std::uint32_t>(task)}},
                 route, false);
      }
      ring.publish();
      written.store(task, std::memory_order_relaxed);
    }
  };
  run_on_worker_core(worker);
  tasks::ResultBatch batch;
  std::uint64_t committed = 0;
  std::uint64_t read = 0;
  std::uint64_t batches = 0;
  std::string failure;
  const auto take = [&](const engine::Report& report) {
    batch.probes.push_back(engine::probe_result_of(report, clock, 0));
    ++read;
  };
  const auto put = [&] {
    if (auto done = (*queue)->put(batch); !done) failure = done.error().sentence;
    committed += batch.size();
    ++batches;
    batch.clear();
  };
  const std::uint64_t hz = clock.hz();
  const std::uint64_t start = rte_rdtsc();
  const auto span = static_cast<std::uint64_t>(options.seconds * static_cast<double>(hz));
  while (rte_rdtsc() - start < span && failure.empty()) {
    ring.read(1024, take);
    if (batch.size() >= kBatch) put();
  }
  const double seconds = static_cast<double>(rte_rdtsc() - start) / static_cast<double>(hz);
  const std::uint64_t counted = committed;
  is_over = true;
  wait_for_worker_core();
  while (ring.read(1024, take) != 0) {
  }
  if (batch.size() != 0 && failure.empty()) put();
  if (!failure.empty()) return run_failed(failure);
  figures.add("mresults", static_cast<double>(counted) / seconds / 1e6,
              "million results a second, synced to the disk");
  figures.add("results", committed);
  figures.add("batches", batches, "each with a sync of its own");
  figures.add("bytes_per_result",
              static_cast<double>(bytes_below(directory.path)) / static_cast<double>(committed),
              "in the log, nine hops recorded");
  figures.check("every result is committed", committed == written.load() && read == committed);
  return figures;
}

}  // namespace backsight::perf
