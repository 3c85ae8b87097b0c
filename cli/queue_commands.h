// `backsight queue put` and `backsight queue get`: the queue as JSON lines.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config/error.h"
#include "queue/address.h"

namespace backsight::cli {

struct PutOptions {
  queue::QueueAddress queue;
  std::string vp;
  std::string file = "-";  // "-": stdin
};

// Returns the exit code: 2 when a line was refused.
[[nodiscard]] Expected<int> put_lines(const PutOptions& options);

struct GetOptions {
  queue::QueueAddress queue;
  std::string vp;  // empty: all
  std::uint64_t idle_ms = 1000;
};

[[nodiscard]] Expected<int> get_lines(const GetOptions& options);

// `backsight queue setup`: what an administrator makes on a broker, once.
struct SetupOptions {
  queue::QueueAddress queue;
  std::vector<std::string> vps;
  int replicas = 1;
  std::uint64_t results_mib = 4096;
  std::uint64_t tasks_mib = 1024;
  bool renews_results = false;
};

[[nodiscard]] Expected<int> set_up_queue(const SetupOptions& options);

// `backsight keygen --nkey`: a new seed into `file`, its public key to stdout.
[[nodiscard]] Expected<int> make_nkey_file(const std::string& file);

}  // namespace backsight::cli
