// What DPDK's environment is started with, and how the cores that poll in it wait.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace backsight::config {

class Keys;

inline constexpr unsigned kMaxCores = 1024;  // no build of DPDK has a larger RTE_MAX_LCORE

struct EalConfig {
  std::vector<unsigned> workers{1};  // CPU cores that poll; one queue pair on each port each
  unsigned control = 0;              // CPU core of everything else
  enum class Idle { kPoll, kAdaptive };
  Idle idle = Idle::kPoll;
  enum class Hugepages { kAuto, kRequired, kOff };
  Hugepages hugepages = Hugepages::kAuto;
  bool telemetry = false;              // DPDK's telemetry socket
  std::vector<std::string> arguments;  // extra ones of EAL

  friend bool operator==(const EalConfig&, const EalConfig&) = default;
};

// The keys of every program's section `engine`. `control_meaning` is what the core of control is.
void describe_waiting(Keys& keys, EalConfig& eal, std::string_view control_meaning);
void describe_arguments(Keys& keys, EalConfig& eal);

}  // namespace backsight::config
