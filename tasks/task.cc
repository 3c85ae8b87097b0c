#include "tasks/task.h"

#include <fmt/format.h>

#include "probes/identity.h"

namespace backsight::tasks {

namespace {

template <typename Enum>
bool is_known(Enum value) noexcept {
  return static_cast<std::size_t>(value) < static_cast<std::size_t>(Enum::kCount);
}

std::optional<std::string> out_of_range(const char* key, std::uint64_t value, std::uint64_t least,
                                        std::uint64_t most) {
  if (value >= least && value <= most) return std::nullopt;
  return fmt::format("{} is {}; it must be {}..{}", key, value, least, most);
}

std::optional<std::string> timestamp_fault(const Task& task) {
  using probes::TimestampType;
  switch (task.timestamp) {
    case TimestampType::kOnly:
    case TimestampType::kWithAddresses:
      if (task.prespecified_count == 0) return std::nullopt;
      return "ts_addresses goes with ts tsprespec";
    case TimestampType::kPrespecified:
      if (task.prespecified_count >= 1 && task.prespecified_count <= task.prespecified.size()) {
        return std::nullopt;
      }
      return "ts tsprespec needs ts_addresses, a list of 1 to 4 addresses";
  }
  return "ts must be tsonly, tsandaddr or tsprespec";
}

std::optional<std::string> trace_fault(const Task& task) {
  if (!is_known(task.method)) return "method must be icmp, udp or tcp";
  if (auto fault = out_of_range("first_ttl", task.first_ttl, 1, 255)) return fault;
  if (auto fault = out_of_range("max_ttl", task.max_ttl, 1, 255)) return fault;
  if (auto fault = out_of_range("attempts", task.attempts, 1, 10)) return fault;
  if (auto fault = out_of_range("gap_limit", task.gap_limit, 1, 255)) return fault;
  if (task.first_ttl > task.max_ttl) {
    return fmt::format("first_ttl {} is above max_ttl {}", task.first_ttl, task.max_ttl);
  }
  const unsigned probes = (task.max_ttl - task.first_ttl + 1U) * task.attempts;
  if (probes > kMaxTraceProbes) {
    return fmt::format("max_ttl, first_ttl and attempts allow {} probes; {} is the most", probes,
                       kMaxTraceProbes);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> task_fault(const Task& task) {
  if (!is_known(task.kind)) return "kind must be ping, rr, ts or trace";
  if (auto fault = out_of_range("id", task.id, 0, probes::kMaxProbeNumber)) return fault;
  if (auto fault = out_of_range("timeout_ms", task.timeout_ms, 1, kMaxTimeoutMs)) return fault;
  if (auto fault = out_of_range("ttl", task.ttl, 1, 255)) return fault;
  if (task.kind == probes::Kind::kTimestamp) return timestamp_fault(task);
  if (task.kind == probes::Kind::kTrace) return trace_fault(task);
  return std::nullopt;
}

}  // namespace backsight::tasks
