// `backsight vp list` and `backsight vp status`: what vantage points say of themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/error.h"
#include "queue/client.h"

namespace backsight::cli {

struct VpOptions {
  queue::QueueAddress queue;
  std::vector<std::string> vps;  // empty: all
  bool json = false;
};

// One line a vantage point.
[[nodiscard]] Expected<int> list_vantage_points(const VpOptions& options);

// All that is known of each.
[[nodiscard]] Expected<int> show_vantage_points(const VpOptions& options);

// "3 s ago". REQUIRES: nothing; a moment to come is "now".
[[nodiscard]] std::string age_text(std::uint64_t then_ns, std::uint64_t now_ns);

// When the vantage point last said something, as words: "last heard 3 min ago" or "never heard".
[[nodiscard]] std::string last_heard(queue::QueueClient& access, const std::string& vp);

}  // namespace backsight::cli
