// vp.yaml as plain structs, with defaults. The loader (config/vp_loader.h) fills and checks them;
// modules get only their own struct, by const reference.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/log_format.h"
#include "config/queue_config.h"
#include "probes/ip/address.h"
#include "probes/wire/mac_addr.h"

namespace backsight::config {

// One network port.
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

struct EngineConfig {
  std::vector<unsigned> workers{1};  // CPU cores that poll; one queue pair on each port each
  unsigned control = 0;              // CPU core of everything else
  enum class Idle { kPoll, kAdaptive };
  Idle idle = Idle::kPoll;
  enum class Hugepages { kAuto, kRequired, kOff };
  Hugepages hugepages = Hugepages::kAuto;
  std::uint32_t inflight = 1U << 20;  // in-flight slots per worker, a power of two, 64..2^26
  std::uint32_t waiting = 1U << 16;   // tasks a worker holds back for the limits' sake, 64..2^24
  std::uint32_t traces = 1U << 12;    // traceroutes under way per worker, 1..2^20
  bool telemetry = false;             // DPDK's telemetry socket
  std::vector<std::string> eal;       // extra EAL arguments

  friend bool operator==(const EngineConfig&, const EngineConfig&) = default;
};

// Packets a second; every limit holds together with all others. 0 switches one off, except total.
struct RatesConfig {
  std::uint64_t total_pps = 10'000;
  std::uint64_t rr_pps = 0;  // probes with IP options, within total
  std::uint64_t per_destination_pps = 10;
  std::uint64_t per_prefix24_pps = 100;
  std::uint64_t per_spoofed_source_pps = 1000;

  friend bool operator==(const RatesConfig&, const RatesConfig&) = default;
};

// Where tasks come from and results go. No URL: only --tasks.
struct VpQueueConfig : QueueConfig {
  std::filesystem::path spool = "/var/lib/backsight/spool";  // results on their way to a broker
  std::uint64_t spool_limit_mib = 10'240;                    // 1..2^30

  friend bool operator==(const VpQueueConfig&, const VpQueueConfig&) = default;
};

// Everything of vp.yaml. Paths are absolute, or relative to the working directory, once loaded.
struct VpConfig {
  std::string name;      // [a-z0-9-], 1..63 characters
  std::uint16_t id = 0;  // 1..65535
  std::vector<PortConfig> ports;
  EngineConfig engine;
  RatesConfig rates;
  std::filesystem::path enrolled_file;  // empty: no spoofing
  std::filesystem::path deny_file;      // empty: nothing denied beyond the bogons
  bool allow_bogons = false;            // probe private and reserved destinations (labs)
  std::filesystem::path key_file;
  VpQueueConfig queue;
  std::string metrics_listen = "127.0.0.1:9464";  // empty: no metrics
  bool metrics_listen_is_default = true;
  std::filesystem::path capture_socket;  // empty: no captures
  LogFormat log_format = LogFormat::kText;

  friend bool operator==(const VpConfig&, const VpConfig&) = default;
};

}  // namespace backsight::config
