// One network port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "probes/ip/address.h"
#include "probes/wire/mac_addr.h"

namespace backsight::config {

class Keys;

inline constexpr std::size_t kMaxPorts = 32;  // RTE_MAX_ETHPORTS of Debian's DPDK

struct PortConfig {
  // PCI address ("0000:3b:00.0"), or an EAL virtual device with its arguments
  // ("net_af_packet0,iface=eth1").
  std::string device;
  probes::Ipv4Addr address;
  std::uint8_t prefix_length = 32;             // of `address`: what is on the link
  bool on_link = true;                         // that prefix is reached without the gateway
  std::optional<probes::Ipv4Addr> gateway;     // on the link; none: only that prefix is reached
  std::optional<probes::MacAddr> gateway_mac;  // none: resolved by ARP
  // Who answers ARP and echo requests to `address`: we, unless a kernel does.
  enum class Answers { kAuto, kYes, kNo };
  Answers answers = Answers::kAuto;
  std::uint16_t rx_descriptors = 0;  // 0: what the device prefers, else 1024
  std::uint16_t tx_descriptors = 0;

  [[nodiscard]] probes::Ipv4Prefix link() const noexcept {
    probes::Ipv4Prefix prefix{{}, prefix_length};
    prefix.base.value = address.value & prefix.mask();
    return prefix;
  }
  friend bool operator==(const PortConfig&, const PortConfig&) = default;
};

void describe(Keys& keys, PortConfig& port);

// The keys of every program's ports. `device_example` completes "PCI address, or an EAL device: ",
// `article` is that of their queues: "a" or "the".
void describe_device(Keys& keys, std::string& device, std::string_view device_example);
void describe_descriptors(Keys& keys, std::uint16_t& rx, std::uint16_t& tx,
                          std::string_view article);

}  // namespace backsight::config
