// What is asked of a vantage point.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "probes/ip/address.h"
#include "probes/probe.h"

namespace backsight::tasks {

inline constexpr std::uint32_t kMaxTimeoutMs = 60'000;
// Attempts that one trace may need at the most: (max_ttl - first_ttl + 1) * attempts.
inline constexpr std::uint32_t kMaxTraceProbes = 256;

// One task. Defaults are the contract's; numbers.h has the ranges, which are checked where a task
// enters (json/json.h, codec/codec.h).
struct Task {
  std::uint64_t id = 0;
  probes::Ipv4Addr dst;
  probes::Ipv4Addr src;             // unspecified: the port's own address
  std::uint32_t timeout_ms = 2000;  // 1..kMaxTimeoutMs
  std::uint16_t flow = 0;           // of a trace
  std::uint8_t ttl = 64;            // 1..255; of ping, rr, ts
  probes::Kind kind = probes::Kind::kPing;

  std::array<probes::Ipv4Addr, probes::kMaxTimestampAddresses> prespecified{};
  std::uint8_t prespecified_count = 0;  // of a prespecified ts, 1..4
  probes::TimestampType timestamp = probes::TimestampType::kWithAddresses;  // of ts

  probes::TraceMethod method = probes::TraceMethod::kIcmp;  // of a trace
  std::uint8_t first_ttl = 1;                               // 1..max_ttl
  std::uint8_t max_ttl = 32;                                // ..255
  std::uint8_t attempts = 2;    // 1..10, for each hop that does not answer
  std::uint8_t gap_limit = 5;   // 1..255 silent hops in a row end the trace
  std::uint8_t loop_limit = 1;  // ends it when a row of hops stands so often again; 0: never
};
// Small: millions a second pass through a worker.
static_assert(std::is_trivially_copyable_v<Task> && sizeof(Task) == 48);

// What is out of range, as one sentence that names the key; nothing when the task is right. What
// does not go with the kind is not looked at.
[[nodiscard]] std::optional<std::string> task_fault(const Task& task);

// A task with its place in the queue it came from; done tasks are marked by it.
struct QueuedTask {
  Task task;
  std::uint64_t position = 0;  // 0: of no queue
};
static_assert(std::is_trivially_copyable_v<QueuedTask>);

}  // namespace backsight::tasks
