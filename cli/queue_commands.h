// `backsight queue put` and `backsight queue get`: the queue as JSON lines.
#pragma once

#include <chrono>
#include <string>

#include "config/error.h"

namespace backsight::cli {

struct PutOptions {
  std::string queue;
  std::string vp;
  std::string file = "-";  // "-": stdin
};

// Returns the exit code: 2 when a line was refused.
[[nodiscard]] Expected<int> put_lines(const PutOptions& options);

struct GetOptions {
  std::string queue;
  std::string vp;  // empty: all
  std::uint64_t idle_ms = 1000;
};

[[nodiscard]] Expected<int> get_lines(const GetOptions& options);

}  // namespace backsight::cli
