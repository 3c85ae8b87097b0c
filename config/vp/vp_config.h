// vp.yaml as plain structs, with defaults: config::load_config<VpConfig>() fills and checks them
// (config/reading/config_file.h). Modules get only their own struct, by const reference.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/log_format.h"
#include "config/sections/eal_config.h"
#include "config/sections/port_config.h"
#include "config/sections/queue_config.h"
#include "probes/ip/address.h"

namespace backsight::config {

struct EngineConfig : EalConfig {
  std::uint32_t inflight = 1U << 20;  // in-flight slots per worker, a power of two
  std::uint32_t waiting = 1U << 16;   // tasks a worker holds back for the limits' sake
  std::uint32_t traces = 1U << 12;    // traceroutes under way per worker

  friend bool operator==(const EngineConfig&, const EngineConfig&) = default;
};
void describe(Keys& keys, EngineConfig& engine);

// Packets a second; every limit holds together with all others. 0 switches one off, except total.
struct RatesConfig {
  std::uint64_t total_pps = 10'000;
  std::uint64_t rr_pps = 0;  // probes with IP options, within total
  std::uint64_t per_destination_pps = 10;
  std::uint64_t per_prefix24_pps = 100;
  std::uint64_t per_spoofed_source_pps = 1000;

  friend bool operator==(const RatesConfig&, const RatesConfig&) = default;
};
void describe(Keys& keys, RatesConfig& rates);

// Where tasks come from and results go. No URL: only --tasks.
struct VpQueueConfig : QueueConfig {
  std::filesystem::path spool = "/var/lib/backsight/spool";  // results on their way to a broker
  std::uint64_t spool_limit_mib = 10'240;

  friend bool operator==(const VpQueueConfig&, const VpQueueConfig&) = default;
};
void describe(Keys& keys, VpQueueConfig& queue);

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

  // Of its ports.
  [[nodiscard]] std::vector<probes::Ipv4Addr> addresses() const;

  friend bool operator==(const VpConfig&, const VpConfig&) = default;
};
void describe(Keys& keys, VpConfig& vp);

}  // namespace backsight::config
