// backsight revtr: the path from anyone to a source.
#pragma once

#include <string>
#include <vector>

#include "cli/api_client.h"
#include "config/error.h"

namespace backsight::cli {

struct RevtrOptions {
  std::vector<std::string> destinations;  // addresses or names
  std::string source;                     // a vantage point's name or address
  ControllerAddress controller;
  std::string label;
  unsigned max_age_minutes = 24 * 60;  // of what may come from caches
  bool uses_cache = true;
  bool finds_branches = false;
  bool pings_hops = true;
  bool shows_names = true;
  bool json = false;
};

// Asks and prints each path as it ends. Returns the exit code: 1 if a path failed.
[[nodiscard]] Expected<int> reverse_traceroute(const RevtrOptions& options);

}  // namespace backsight::cli
