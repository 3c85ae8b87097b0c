#include "engine/control/dry_run.h"

#include <fmt/format.h>

namespace backsight::engine {

void make_dry(config::VpConfig& vp, const std::string& file) {
  // Locally administered; nobody's.
  constexpr probes::MacAddr kNextHop{{0x02, 0, 0, 0, 0, 0x01}};
  for (std::size_t i = 0; i < vp.ports.size(); ++i) {
    config::PortConfig& port = vp.ports[i];
    const std::string suffix = i == 0 ? "" : fmt::format(".{}", i);
    port.device = fmt::format("net_pcap{},tx_pcap={}{}", i, file, suffix);
    port.gateway_mac = kNextHop;
    port.gateway.reset();
    port.prefix_length = 32;
  }
  vp.engine.workers.resize(1);
  vp.engine.hugepages = config::EngineConfig::Hugepages::kOff;
  vp.metrics_listen.clear();
}

Expected<void> WithoutWaiting::take(std::size_t max, TaskIntake& intake) {
  auto taken = source_.take(max, intake);
  for (auto& queued : intake.tasks) queued.task.timeout_ms = 1;
  return taken;
}

}  // namespace backsight::engine
