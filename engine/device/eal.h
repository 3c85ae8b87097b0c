// DPDK's environment, from the config: cores, memory, devices. One for each process, for its life.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/error.h"
#include "config/sections/eal_config.h"

namespace backsight::engine {

struct EalPlan {
  std::vector<std::string> arguments;  // argv, the program's name first
  bool uses_hugepages = false;
};

// Who starts it.
struct EalUser {
  std::string name;                            // in the names of what DPDK leaves in its folder
  std::vector<std::string> devices;            // of its ports
  const char* workers_key = "engine.workers";  // of its config
};

// The arguments that rte_eal_init gets. The main lcore is number 0 on the control core, worker i is
// lcore i + 1. Fails when a core is not ours to use, a named interface does not exist or carries no
// Ethernet, hugepages are required and too few, or we may not open packet sockets.
[[nodiscard]] Expected<EalPlan> plan_eal(const config::EalConfig& config, const EalUser& user);

// For ports without devices, all in one thread: any core, ordinary memory, no root.
[[nodiscard]] EalPlan plan_without_devices(std::size_t memory_mb);

class Eal {
 public:
  // Starts DPDK. The error tells what EAL itself said.
  [[nodiscard]] static Expected<Eal> start(const EalPlan& plan);
  [[nodiscard]] static bool is_started() noexcept;
  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();

 private:
  Eal() = default;
  bool is_owner_ = true;
};

// The end of the process does what ~Eal would: a device must not be closed. Thread: any.
void leave_devices_open() noexcept;

// The lcore of worker `index`.
[[nodiscard]] constexpr unsigned lcore_of_worker(unsigned index) noexcept { return index + 1; }

// Ticks a second of the time stamp counter, measured against the monotonic clock since Eal::start
// began and for 100 ms at least: good to a few parts in a million. (rte_get_tsc_hz() rounds to 10
// MHz, which is up to 0.2% off.) REQUIRES: Eal::start() was called.
[[nodiscard]] std::uint64_t measure_tsc_hz();

// The arguments of a virtual device without its name: "iface=eth1" of "net_af_packet0,iface=eth1".
[[nodiscard]] std::string device_name(const std::string& device);
[[nodiscard]] bool is_virtual(const std::string& device);
// The value of `key` among a virtual device's arguments; empty when absent.
[[nodiscard]] std::string device_argument(const std::string& device, const std::string& key);
// The network interface that a device uses or makes; empty when there is none. Such a device is not
// among EAL's arguments: Port makes it, with these of its own, when it is opened.
[[nodiscard]] std::string interface_of(const std::string& device);
[[nodiscard]] std::string device_arguments(const std::string& device, std::size_t workers);

}  // namespace backsight::engine
