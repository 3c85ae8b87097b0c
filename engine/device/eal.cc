#include "engine/device/eal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>

#include "engine/device/capabilities.h"
#include "engine/device/interface.h"
#include "engine/device/tsc.h"

namespace backsight::engine {
namespace {

// Packet buffers, rings and DPDK's own needs; the in-flight tables are mapped apart.
constexpr std::size_t kBaseMemoryMb = 64;
constexpr std::size_t kMemoryMbPerQueue = 16;
constexpr std::size_t kHugepageMb = 2;

std::size_t memory_mb(std::size_t ports, std::size_t workers) {
  return kBaseMemoryMb + kMemoryMbPerQueue * ports * workers;
}

std::size_t free_hugepages() {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  std::size_t count = 0;
  file >> count;
  return file ? count : 0;
}

// Those that this process may run on; none: it cannot be told.
std::vector<unsigned> own_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return {};
  std::vector<unsigned> cores;
  for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &allowed)) cores.push_back(core);
  }
  return cores;
}

Expected<void> check_core(unsigned core, const char* key) {
  const std::vector<unsigned> ours = own_cores();
  if (ours.empty() || std::ranges::find(ours, core) != ours.end()) return {};
  return bad_usage(fmt::format("{}: core {} is not ours to use; this process may run on {}", key,
                               core, fmt::join(ours, ", ")));
}

Expected<void> check_interface(const std::string& device) {
  const std::string name = device_name(device);
  const bool is_packet = name.starts_with("net_af_packet");
  if (!is_packet && !name.starts_with("net_af_xdp")) return {};
  const std::string interface = device_argument(device, "iface");
  if (interface.empty()) {
    return bad_usage(fmt::format("port {}: no interface named; write {},iface=eth1", device, name));
  }
  if (if_nametoindex(interface.c_str()) == 0) {
    return bad_usage(
        fmt::format("port {}: there is no interface {} here; `ip link` lists those there are",
                    device, interface));
  }
  const auto view = look_at_interface(interface);
  if (!view) return tl::unexpected(view.error());
  if (view->exists && !view->is_ethernet) {
    return bad_usage(
        fmt::format("port {}: {} carries no Ethernet frames; a port needs an interface that does",
                    device, interface));
  }
  return {};
}

Expected<bool> choose_hugepages(config::EalConfig::Hugepages wanted, std::size_t memory) {
  using Hugepages = config::EalConfig::Hugepages;
  const std::size_t needed = memory / kHugepageMb;
  const std::size_t free = free_hugepages();
  switch (wanted) {
    case Hugepages::kOff:
      return false;
    case Hugepages::kAuto:
      return free >= needed;
    case Hugepages::kRequired:
      if (free >= needed) return true;
      return bad_usage(
          fmt::format("engine.hugepages: {} free pages of 2 MiB are required and {} are free; "
                      "`sysctl vm.nr_hugepages={}` sets them aside",
                      needed, free, needed));
  }
  return false;
}

// Names what DPDK leaves in its runtime folder: for telemetry a name that people can tell.
std::string file_prefix(const std::string& name, bool has_telemetry) {
  return has_telemetry ? fmt::format("backsight-{}", name)
                       : fmt::format("backsight-{}-{}", name, getpid());
}

// The queues of a network interface that take and give packets both: those that AF_XDP can have.
std::size_t combined_queues(const std::string& interface) {
  const int any = socket(AF_INET, SOCK_DGRAM, 0);
  if (any < 0) return 1;
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&channels);
  const bool is_told = ioctl(any, SIOCETHTOOL, &request) == 0;
  close(any);
  return is_told ? std::max<std::size_t>(channels.combined_count, 1) : 1;
}

std::atomic<bool> is_up{false};
std::atomic<bool> devices_stay_open{false};

// The counter and the monotonic clock at one moment.
struct ClockPair {
  std::uint64_t ticks = 0;
  std::uint64_t ns = 0;
};
ClockPair clock_at_start;

// Of several readings the one that was interrupted least.
ClockPair read_clocks() {
  ClockPair best;
  std::uint64_t least = ~std::uint64_t{0};
  for (int i = 0; i < 16; ++i) {
    const std::uint64_t before = rte_rdtsc();
    const auto ns = std::chrono::steady_clock::now().time_since_epoch();
    const std::uint64_t after = rte_rdtsc();
    if (after - before >= least) continue;
    least = after - before;
    best = {before + least / 2,
            static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::nanoseconds>(ns).count())};
  }
  return best;
}

}  // namespace

std::string device_name(const std::string& device) { return device.substr(0, device.find(',')); }

bool is_virtual(const std::string& device) { return device.starts_with("net_"); }

std::string device_argument(const std::string& device, const std::string& key) {
  std::size_t at = device.find(',');
  while (at != std::string::npos) {
    const std::size_t end = device.find(',', at + 1);
    const std::string argument = device.substr(at + 1, end - at - 1);
    if (argument.starts_with(key + "=")) return argument.substr(key.size() + 1);
    at = end;
  }
  return {};
}

std::string interface_of(const std::string& device) {
  const std::string name = device_name(device);
  std::string interface = device_argument(device, "iface");
  constexpr std::string_view kTap = "net_tap";
  // The name that the driver would choose for the first of them.
  if (interface.empty() && name.starts_with(kTap)) return "dtap" + name.substr(kTap.size());
  const bool has_interface = name.starts_with("net_af_packet") || name.starts_with("net_af_xdp") ||
                             name.starts_with("net_pcap") || name.starts_with(kTap);
  return has_interface ? interface : std::string();
}

// As many queues as there are workers, or as the interface has, unless the config says otherwise.
std::string device_arguments(const std::string& device, std::size_t workers) {
  const std::string name = device_name(device);
  std::string arguments = device.size() > name.size() ? device.substr(name.size() + 1) : "";
  const auto complete = [&](const char* key, const std::string& value) {
    if (!device_argument(device, key).empty()) return;
    arguments += fmt::format("{}{}={}", arguments.empty() ? "" : ",", key, value);
  };
  if (name.starts_with("net_tap")) complete("iface", interface_of(device));
  if (workers > 1 && name.starts_with("net_af_packet")) complete("qpairs", fmt::to_string(workers));
  if (name.starts_with("net_af_xdp")) {
    const std::size_t queues = std::min(workers, combined_queues(interface_of(device)));
    if (queues > 1) complete("queue_count", fmt::to_string(queues));
  }
  return arguments;
}

Expected<EalPlan> plan_eal(const config::EalConfig& config, const EalUser& user) {
  if (auto checked = check_core(config.control, "engine.control"); !checked) {
    return tl::unexpected(checked.error());
  }
  std::string lcores = fmt::format("0@{}", config.control);
  for (unsigned i = 0; i < config.workers.size(); ++i) {
    if (auto checked = check_core(config.workers[i], user.workers_key); !checked) {
      return tl::unexpected(checked.error());
    }
    lcores += fmt::format(",{}@{}", lcore_of_worker(i), config.workers[i]);
  }
  for (const std::string& device : user.devices) {
    if (auto checked = check_interface(device); !checked) return tl::unexpected(checked.error());
    if (auto checked = check_capabilities(device); !checked) return tl::unexpected(checked.error());
  }
  const std::size_t memory = memory_mb(user.devices.size(), config.workers.size());
  const auto hugepages = choose_hugepages(config.hugepages, memory);
  if (!hugepages) return tl::unexpected(hugepages.error());

  EalPlan plan;
  plan.uses_hugepages = *hugepages;
  plan.arguments = {"backsight-vp",
                    "--lcores",
                    lcores,
                    "--main-lcore",
                    "0",
                    config.telemetry ? "--telemetry" : "--no-telemetry",
                    "--log-level",
                    "*:error",
                    "--file-prefix",
                    file_prefix(user.name, config.telemetry)};
  if (plan.uses_hugepages) {
    plan.arguments.insert(plan.arguments.end(), {"--in-memory", "-m", std::to_string(memory)});
  } else {
    plan.arguments.insert(plan.arguments.end(),
                          {"--no-huge", "--no-shconf", "-m", std::to_string(memory)});
  }
  bool has_pci = false;
  for (const std::string& device : user.devices) {
    if (!interface_of(device).empty()) continue;
    has_pci |= !is_virtual(device);
    plan.arguments.emplace_back(is_virtual(device) ? "--vdev" : "-a");
    plan.arguments.push_back(device);
  }
  if (!has_pci) plan.arguments.emplace_back("--no-pci");
  plan.arguments.insert(plan.arguments.end(), config.arguments.begin(), config.arguments.end());
  return plan;
}

EalPlan plan_without_devices(std::size_t memory_mb) {
  const std::vector<unsigned> cores = own_cores();
  return {.arguments = {"backsight", "--lcores",
                        cores.empty() ? "0" : fmt::format("0@({})", fmt::join(cores, ",")),
                        "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m",
                        std::to_string(memory_mb), "--log-level", "*:error", "--file-prefix",
                        fmt::format("backsight-{}", getpid())}};
}

Expected<Eal> Eal::start(const EalPlan& plan) {
  // EAL keeps and reorders the pointers: give it an array of its own for the life of the process.
  static std::vector<std::string> storage;
  static std::vector<char*> argv;
  storage = plan.arguments;
  argv.clear();
  for (std::string& argument : storage) argv.push_back(argument.data());
  argv.push_back(nullptr);
  clock_at_start = read_clocks();
  if (rte_eal_init(static_cast<int>(storage.size()), argv.data()) < 0) {
    std::string said;
    for (const std::string& argument : plan.arguments) said += " " + argument;
    return bad_usage(fmt::format(
        "DPDK did not start ({}): check ports and engine.eal against what it says above; its "
        "arguments were:{}",
        rte_strerror(rte_errno), said));
  }
  is_up = true;
  return Eal();
}

bool Eal::is_started() noexcept { return is_up; }

Eal::Eal(Eal&& other) noexcept : is_owner_(std::exchange(other.is_owner_, false)) {}

Eal::~Eal() {
  if (is_owner_ && !devices_stay_open) rte_eal_cleanup();
}

void leave_devices_open() noexcept { devices_stay_open = true; }

std::uint64_t measure_tsc_hz() {
  constexpr std::uint64_t kLeastNs = 100'000'000;
  const ClockPair& start = clock_at_start;
  ClockPair now = read_clocks();
  if (now.ns - start.ns < kLeastNs) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(kLeastNs - (now.ns - start.ns)));
    now = read_clocks();
  }
  return static_cast<std::uint64_t>(Wide{now.ticks - start.ticks} * 1'000'000'000U /
                                    (now.ns - start.ns));
}

}  // namespace backsight::engine
