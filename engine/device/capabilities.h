// What the kernel must allow this process for the driver of a port to work (capabilities(7)). In a
// container with few of them a driver fails late, with words that name none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/error.h"

namespace backsight::engine {

struct Allowed {
  std::uint64_t capabilities = 0;    // effective ones, the bit of each by its number
  std::uint64_t lockable_bytes = 0;  // RLIMIT_MEMLOCK
};
[[nodiscard]] Allowed allowed_now();

// The names of those that the driver of this device needs and that are missing.
[[nodiscard]] std::vector<std::string> missing_capabilities(const std::string& device,
                                                            const Allowed& allowed);
[[nodiscard]] Expected<void> check_capabilities(const std::string& device);

}  // namespace backsight::engine
