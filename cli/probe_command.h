// `backsight ping|rr|ts|trace`: one task for each destination through a running vantage point.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/error.h"
#include "queue/address.h"
#include "tasks/task.h"

namespace backsight::cli {

struct ProbeOptions {
  queue::QueueAddress queue;
  std::string vp;  // empty: the only one
  std::vector<std::string> destinations;
  std::string src;
  std::vector<std::string> ts_addresses;
  tasks::Task task;  // what all destinations share
  bool json = false;
};

// Returns the exit code: 1 when a destination got no result, or was not sent to.
[[nodiscard]] Expected<int> probe(const ProbeOptions& options);

}  // namespace backsight::cli
