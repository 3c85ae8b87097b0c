// controller.yaml as plain structs, with defaults: config::load_config<ControllerConfig>() fills
// and checks them (config/reading/config_file.h). Modules get only their own struct, by const
// reference.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/log_format.h"
#include "config/sections/queue_config.h"

namespace backsight::config {

// The queue that the vantage points use.
struct ControllerQueueConfig : QueueConfig {
  // Where it is kept which results were taken, with a broker.
  std::filesystem::path state = "/var/lib/backsight/consumer";

  friend bool operator==(const ControllerQueueConfig&, const ControllerQueueConfig&) = default;
};
void describe(Keys& keys, ControllerQueueConfig& queue);

// What is known of addresses before anything is measured.
struct AnnotationConfig {
  std::filesystem::path prefixes_file;     // CAIDA's prefix-to-AS; empty: no AS is known
  std::filesystem::path exchanges_file;    // PeeringDB's netixlan; empty: not told
  std::filesystem::path geolocation_file;  // MaxMind's format; empty: no places

  friend bool operator==(const AnnotationConfig&, const AnnotationConfig&) = default;
};
void describe(Keys& keys, AnnotationConfig& annotation);

struct AtlasConfig {
  std::vector<std::filesystem::path> imports;  // RIPE Atlas traceroute results
  std::chrono::seconds max_age = std::chrono::hours(24);

  friend bool operator==(const AtlasConfig&, const AtlasConfig&) = default;
};
void describe(Keys& keys, AtlasConfig& atlas);

struct LimitsConfig {
  std::uint64_t max_under_way = 1'000'000;  // reverse traceroutes at a time
  std::uint32_t max_batch = 10'000;         // requests in one submission
  std::uint64_t probes_per_second = 0;      // of all vantage points together; 0: no limit
  std::uint32_t probes_per_measurement = 300;
  std::chrono::seconds measurement_time = std::chrono::seconds(60);
  std::chrono::seconds source_patience = std::chrono::minutes(10);

  friend bool operator==(const LimitsConfig&, const LimitsConfig&) = default;
};
void describe(Keys& keys, LimitsConfig& limits);

// Everything of controller.yaml. Paths are absolute, or relative to the working directory, once
// loaded.
struct ControllerConfig {
  std::string listen = "127.0.0.1:8080";  // API and page
  ControllerQueueConfig queue;
  std::filesystem::path archive = "/var/lib/backsight/archive";
  std::filesystem::path state = "/var/lib/backsight/controller";  // numbers that were given out
  std::chrono::seconds keep_results = std::chrono::hours(24);
  std::uint64_t keep_results_mib = 10'240;  // of them at the most
  AnnotationConfig annotation;
  std::filesystem::path aliases_file;  // one router a line; empty: none
  AtlasConfig atlas;
  LimitsConfig limits;
  std::filesystem::path deny_file;  // empty: nothing denied beyond the bogons
  bool allow_bogons = false;        // measure from private and reserved destinations (labs)
  std::filesystem::path keys_file;  // empty: nobody but this machine may ask, without a key
  std::string metrics_listen = "127.0.0.1:9465";  // empty: no metrics
  LogFormat log_format = LogFormat::kText;

  friend bool operator==(const ControllerConfig&, const ControllerConfig&) = default;
};
void describe(Keys& keys, ControllerConfig& controller);

}  // namespace backsight::config
