// What the parts of a worker stand on, without a worker: one port that nothing stands behind, time
// that a test moves by hand, and control's part, which reads what was told.
#pragma once

#include <cstdint>
#include <vector>

#include "config/vp/vp_config.h"
#include "engine/device/neighbours.h"
#include "engine/worker/ends.h"
#include "engine/worker/report.h"
#include "engine/worker/surroundings.h"
#include "engine/worker/traces.h"
#include "fake_time.h"
#include "probes/ip/address.h"
#include "probes/wire/mac_addr.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::engine {

using probes::Ipv4Addr;
using probes::MacAddr;

inline Ipv4Addr address_of(const char* text) { return *probes::parse_ipv4(text); }

struct WorkerParts {
  static constexpr MacAddr kMac{{0x02, 0, 0, 0, 0, 0x0a}};
  static constexpr MacAddr kGatewayMac{{0x02, 0, 0, 0, 0, 0x01}};
  static constexpr std::uint16_t kVp = 7;
  static constexpr std::uint32_t kTraces = 16;
  static inline const Ipv4Addr kOwn = address_of("192.0.2.10");
  static inline const Ipv4Addr kFar = address_of("198.51.100.7");   // behind the gateway
  static inline const Ipv4Addr kOnLink = address_of("192.0.2.77");  // asked for first

  // Worker `index` of so many.
  explicit WorkerParts(unsigned index = 0, unsigned workers = 1)
      : ends(index, workers, around, traces, reports) {
    clock.set_unix_offset(now, 1'700'000'000'000'000'000);
  }

  static config::PortConfig port_config() {
    config::PortConfig port;
    port.address = kOwn;
    port.prefix_length = 24;
    port.gateway = address_of("192.0.2.1");
    port.gateway_mac = kGatewayMac;
    return port;
  }
  void pass_ms(std::uint64_t ms) { now = now + clock.from_ms(ms); }

  // The ends and observations that were told since the last call, in order.
  std::vector<ReportHead> told() {
    std::vector<ReportHead> heads;
    reports.publish();
    reports.read(kReportCells, [&](const Report& report) {
      if (report.what() != ReportKind::kHop) heads.push_back(report.head());
    });
    return heads;
  }

  static constexpr std::size_t kReportCells = 8192;
  Tsc now = at_ms(1'000'000);
  TscClock clock{kTicksPerSecond, now};
  TagKeys keys{{11, 22}, {{{11, 22}, {33, 44}, {55, 66}}}};
  Neighbours neighbours{port_config(), clock};
  std::vector<Lane> lanes{{.neighbours = neighbours, .mac = kMac}};
  std::vector<Ipv4Addr> addresses{kOwn};
  WorkerCounters counters;
  const Surroundings around{clock, kVp, keys, lanes, addresses, counters};
  ReportRing reports{kReportCells};
  Traces traces{kTraces, reports, counters.results};
  Ends ends;
};

inline tasks::Task ping_to(std::uint64_t id, Ipv4Addr destination) {
  tasks::Task task;
  task.id = id;
  task.src = WorkerParts::kOwn;
  task.dst = destination;
  return task;
}

}  // namespace backsight::engine
