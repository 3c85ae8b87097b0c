#include "engine/device/capabilities.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "engine/device/eal.h"

namespace backsight::engine {
namespace {

// The packets of a port of AF_XDP stay in memory.
constexpr std::uint64_t kXdpLockedBytes = std::uint64_t{64} << 20;

struct Need {
  const char* driver;
  unsigned capability;
  const char* name;
};
// AF_XDP's library looks its program up in the kernel, which CAP_BPF alone does not allow.
constexpr std::array kNeeds = {
    Need{"net_af_packet", CAP_NET_RAW, "CAP_NET_RAW"},
    Need{"net_af_packet", CAP_NET_ADMIN, "CAP_NET_ADMIN"},
    Need{"net_af_xdp", CAP_NET_RAW, "CAP_NET_RAW"},
    Need{"net_af_xdp", CAP_NET_ADMIN, "CAP_NET_ADMIN"},
    Need{"net_af_xdp", CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
    Need{"net_af_xdp", CAP_IPC_LOCK, "CAP_IPC_LOCK"},
    Need{"net_tap", CAP_NET_ADMIN, "CAP_NET_ADMIN"},
};

// A capability may be of a user namespace that does not own the network.
Expected<void> check_packet_socket(const std::string& device) {
  if (!device_name(device).starts_with("net_af_")) return {};
  const int probe = ::socket(AF_PACKET, SOCK_RAW, 0);
  if (probe < 0) {
    return bad_usage(
        fmt::format("port {}: may not open a packet socket ({}); run as root of the network "
                    "namespace that the interface is in",
                    device, std::strerror(errno)));
  }
  ::close(probe);
  return {};
}

}  // namespace

Allowed allowed_now() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  Allowed allowed;
  if (::syscall(SYS_capget, &header, data.data()) != 0) {
    // Who may not ask is not told that something is missing.
    allowed.capabilities = std::numeric_limits<std::uint64_t>::max();
  } else {
    allowed.capabilities = std::uint64_t{data[1].effective} << 32 | data[0].effective;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0) allowed.lockable_bytes = limit.rlim_cur;
  return allowed;
}

std::vector<std::string> missing_capabilities(const std::string& device, const Allowed& allowed) {
  std::vector<std::string> missing;
  const std::string driver = device_name(device);
  for (const Need& need : kNeeds) {
    if (!driver.starts_with(need.driver)) continue;
    if ((allowed.capabilities >> need.capability & 1) != 0) continue;
    if (need.capability == CAP_IPC_LOCK && allowed.lockable_bytes >= kXdpLockedBytes) continue;
    missing.emplace_back(need.name);
  }
  return missing;
}

Expected<void> check_capabilities(const std::string& device) {
  const auto missing = missing_capabilities(device, allowed_now());
  if (missing.empty()) return check_packet_socket(device);
  return bad_usage(fmt::format(
      "port {}: this process lacks {}, which the driver needs; run it as root, or grant "
      "it (systemd: AmbientCapabilities=, containers: --cap-add)",
      device, fmt::join(missing, ", ")));
}

}  // namespace backsight::engine
