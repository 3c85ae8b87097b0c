// guard: what may not leave does not leave. Tasks to all addresses and in all names pass admission
// as in a vantage point, and the lists are replaced while they are under way; the other core takes
// every frame at the port and looks at its bytes, with tables of its own.
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <atomic>
#include <vector>

#include "config/lists/deny_list.h"
#include "config/vp/vp_config.h"
#include "engine/control/admission.h"
#include "perf/load/benches.h"
#include "perf/load/rig.h"

namespace backsight::perf {
namespace {

constexpr std::uint32_t kEnrolledFirst = 0xc6330001;  // 198.51.0.1
constexpr std::uint32_t kEnrolledCount = 16;
constexpr std::int64_t kNow = 1'700'000'000;     // Unix time
constexpr std::uint64_t kReloadEvery = 500'000;  // tasks

// Two deny lists in turn: the /24s whose number has this remainder when divided by eight.
constexpr std::array<std::uint32_t, 2> kDeniedRemainders = {3, 5};

bool is_denied(std::uint32_t address, unsigned list) {
  return (address >> 8) % 8 == kDeniedRemainders[list];
}

config::PrefixSet deny_list(unsigned list) {
  std::vector<probes::Ipv4Prefix> prefixes;
  // 16.0.0.0/8, where the tasks go.
  for (std::uint32_t at = 0x100000; at < 0x110000; ++at) {
    if (is_denied(at << 8, list)) prefixes.push_back({{at << 8}, 24});
  }
  return config::PrefixSet(prefixes);
}

config::Enrolment enrolment() {
  std::vector<config::Enrolled> consents;
  for (std::uint32_t i = 0; i < kEnrolledCount; ++i) {
    consents.push_back({{{kEnrolledFirst + 2 * i}, 32}});
  }
  return config::Enrolment(consents);
}

std::uint32_t load_be32(const std::byte* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(at[i]);
  return value;
}

// Looks at frames as they are.
struct Inspector {
  std::uint64_t frames = 0;
  std::uint64_t spoofed = 0;
  std::uint64_t denied = 0;
  std::uint64_t not_enrolled = 0;
  std::uint64_t spoofed_no_echo = 0;
  std::uint64_t malformed = 0;

  // `may_be_either`: the lists are being replaced; what either allows may be on its way.
  void look(const std::byte* frame, std::size_t bytes, unsigned list, bool may_be_either) {
    ++frames;
    if (bytes < 34 || frame[12] != std::byte{8} || frame[13] != std::byte{0}) {
      ++malformed;
      return;
    }
    const std::byte* const ip = frame + 14;
    const std::uint32_t src = load_be32(ip + 12);
    const std::uint32_t dst = load_be32(ip + 16);
    if (is_denied(dst, list) && !(may_be_either && !is_denied(dst, list ^ 1U))) ++denied;
    if (src == kRigAddress.value) return;
    ++spoofed;
    const std::uint32_t away = src - kEnrolledFirst;
    if (away >= 2 * kEnrolledCount || away % 2 != 0) ++not_enrolled;
    const std::size_t header_bytes = std::to_integer<std::size_t>(ip[0] & std::byte{15}) * 4;
    if (ip[9] != std::byte{1} || ip[header_bytes] != std::byte{8}) ++spoofed_no_echo;
  }
};

}  // namespace

Expected<Figures> bench_guard(const Options& options) {
  Figures figures("guard",
                  "tasks to denied addresses and in foreign names, every frame looked at as it "
                  "leaves");
  auto eal = start_eal(options.control_core, options.worker_core, options.use_hugepages);
  if (!eal) return tl::unexpected(eal.error());
  RingPort wire(1024);
  auto opened =
      Rig::open({.device = wire.device(), .limits = {}, .use_hugepages = options.use_hugepages});
  if (!opened) return tl::unexpected(opened.error());
  Rig& rig = **opened;
  engine::Worker& worker = rig.worker();

  config::VpConfig config;
  config.ports.push_back(rig.port().config());
  config.allow_bogons = true;
  engine::Admission admission(config, deny_list(0), enrolment());
  std::vector<std::shared_ptr<const engine::SendPolicy>> policies = {admission.policy()};
  rig.shared().policy = policies.back().get();
  rig.launch([&] {
    while (!rig.shared().is_stopping.load(std::memory_order_relaxed)) worker.round();
  });

  Inspector inspector;
  unsigned list = 0;
  const auto inspect = [&](bool may_be_either) {
    std::array<rte_mbuf*, 256> packets;
    const unsigned count = rte_ring_sc_dequeue_burst(
        wire.from_port(), reinterpret_cast<void**>(packets.data()), packets.size(), nullptr);
    for (unsigned i = 0; i < count; ++i) {
      inspector.look(rte_pktmbuf_mtod(packets[i], const std::byte*), packets[i]->data_len, list,
                     may_be_either);
    }
    rte_pktmbuf_free_bulk(packets.data(), count);
  };
  ReportTally tally;
  const auto read = [&tally](const engine::Report& report) { tally.add(report); };
  std::uint64_t tried = 0;
  std::uint64_t admitted = 0;
  std::uint64_t reloads = 0;
  std::uint64_t random = 88172645463325252ULL;
  const auto draw_task = [&] {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    tasks::QueuedTask queued;
    queued.task.id = queued.position = ++tried;
    queued.task.kind = static_cast<probes::Kind>(random % 3);
    queued.task.timeout_ms = 10;
    queued.task.timestamp = probes::TimestampType::kOnly;
    queued.task.dst = {0x10000000U | static_cast<std::uint32_t>(random >> 8 & 0xffffff)};
    // A third in our own name, a third as somebody who may have consented, a third as anybody.
    if (random % 9 >= 6) {
      queued.task.src = {kEnrolledFirst + static_cast<std::uint32_t>(random >> 40 & 63)};
    }
    if (random % 9 < 3) queued.task.src = {static_cast<std::uint32_t>(random >> 32)};
    return queued;
  };
  const auto reload = [&] {
    // Tasks that were admitted and are still on their way to the worker when the lists change.
    std::vector<engine::Assignment> on_their_way;
    for (int i = 0; i < 128; ++i) {
      if (const auto it = admission.admit(draw_task(), kNow)) on_their_way.push_back(*it);
    }
    admission.replace(deny_list(list ^ 1U), enrolment());
    policies.push_back(admission.policy());
    inspect(false);
    while (rte_ring_count(wire.from_port()) != 0) inspect(false);
    list ^= 1U;
    rig.shared().policy = policies.back().get();
    for (const engine::Assignment& it : on_their_way) {
      while (!worker.tasks().try_push(it)) inspect(true);
    }
    admitted += on_their_way.size();
    // Until the worker has begun a round under the new policy, and what it sent before is gone.
    const std::uint64_t round = rig.counters().rounds.value();
    while (rig.counters().rounds.value() < round + 2) {
      inspect(true);
      worker.reports().read(256, read);
    }
    while (rte_ring_count(wire.from_port()) != 0) inspect(true);
    ++reloads;
  };
  const auto give = [&] {
    const std::size_t room = std::min<std::size_t>(128, worker.tasks().free_slots());
    std::size_t put = 0;
    for (std::size_t i = 0; i < room; ++i) {
      const auto assignment = admission.admit(draw_task(), kNow);
      if (!assignment) continue;
      worker.tasks().next(put++) = *assignment;
    }
    worker.tasks().publish(put);
    admitted += put;
  };
  const std::uint64_t hz = rig.clock().hz();
  const std::uint64_t start = rte_rdtsc();
  const auto span = static_cast<std::uint64_t>(options.seconds * static_cast<double>(hz));
  std::uint64_t next_reload = kReloadEvery;
  while (rte_rdtsc() - start < span || inspector.frames < options.frames) {
    give();
    inspect(false);
    worker.reports().read(256, read);
    if (tried >= next_reload) {
      reload();
      next_reload = tried + kReloadEvery;
    }
  }
  const double seconds = static_cast<double>(rte_rdtsc() - start) / static_cast<double>(hz);
  const std::uint64_t patience = rte_rdtsc() + 5 * hz;
  while (tally.reports < admitted && rte_rdtsc() < patience) {
    inspect(false);
    worker.reports().read(256, read);
  }
  inspect(false);
  rig.shared().is_stopping = true;
  rig.wait();

  figures.add("frames", inspector.frames, "looked at as they left");
  figures.add("mpps", static_cast<double>(inspector.frames) / seconds / 1e6);
  figures.add("tasks_tried", tried);
  figures.add("refused_by_admission", tried - admitted);
  figures.add("refused_by_worker", tally.outcomes[tasks::Outcome::kSendFailed].value(),
              "admitted under lists that were replaced before they left");
  figures.add("reloads", reloads, "of deny list and enrolment");
  figures.add("spoofed", inspector.spoofed, "frames in an enrolled name");
  figures.add("denied_left", inspector.denied);
  figures.add("not_enrolled_left", inspector.not_enrolled);
  figures.check("the worker met old admissions",
                reloads == 0 || tally.outcomes[tasks::Outcome::kSendFailed].value() != 0);
  figures.check("no frame to a denied address", inspector.denied == 0);
  figures.check("no frame in a name that is not enrolled", inspector.not_enrolled == 0);
  figures.check("spoofed frames are echo requests", inspector.spoofed_no_echo == 0);
  figures.check("every frame is IPv4", inspector.malformed == 0);
  figures.check("each admitted task has one report", tally.reports == admitted);
  figures.check("frames = probes sent", inspector.frames == rig.counters().sent.sum());
  return figures;
}

}  // namespace backsight::perf
