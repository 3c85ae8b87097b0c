// What passes between control and a worker, and between workers. All of fixed size.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "engine/worker/schedule.h"
#include "probes/identity/identity.h"
#include "tasks/task.h"

namespace backsight::engine {

// A task that was admitted: control has checked it and chosen the port. One cache line.
struct alignas(64) Assignment {
  tasks::QueuedTask queued;  // task.src is filled in
  std::uint32_t policy = 0;  // the one that admitted it
  std::uint8_t port = 0;     // index into the vantage point's ports
  bool is_spoofed = false;
};
static_assert(std::is_trivially_copyable_v<Assignment> && sizeof(Assignment) == 64);

// The tag keys in force. A tag of the epoch before or after, as another clock may see it, is good
// too.
struct TagKeys {
  probes::TagKey current;
  std::array<probes::TagKey, 3> accepted{};  // the current one first
};

// What control tells a worker besides tasks. kDrain: send nothing more; what waits ends as stopped,
// what is in flight is waited for.
struct Order {
  enum class What : std::uint8_t { kLimits, kKeys, kDrain };
  What what = What::kLimits;
  ScheduleLimits limits;  // kLimits
  TagKeys keys;           // kKeys
};
static_assert(std::is_trivially_copyable_v<Order>);

}  // namespace backsight::engine
