#include "tasks/task.h"

#include <fmt/format.h>

#include "probes/identity/identity.h"
#include "tasks/numbers.h"

namespace backsight::tasks {

namespace {

template <typename Enum>
bool is_known(Enum value) noexcept {
  return static_cast<std::size_t>(value) < static_cast<std::size_t>(Enum::kCount);
}

std::optional<std::string> out_of_range(std::string_view key, std::uint64_t value,
                                        std::uint64_t least, std::uint64_t most) {
  if (value >= least && value <= most) return std::nullopt;
  return fmt::format("{} is {}; it must be {}..{}", key, value, least, most);
}

// The first number out of range of those that `kind` alone has; of nothing, of those that all have.
std::optional<std::string> number_fault(const Task& task, std::optional<probes::Kind> kind) {
  std::optional<std::string> fault;
  for_each_number([&](const Number& it, auto member) {
    if (!fault && it.kind == kind) {
      fault = out_of_range(it.key, task.*member, it.least, it.most);
    }
  });
  return fault;
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
      return fmt::format("ts tsprespec needs ts_addresses, a list of 1 to {} addresses",
                         task.prespecified.size());
  }
  return "ts must be " + probes::choice_of_timestamp_types();
}

std::optional<std::string> trace_fault(const Task& task) {
  if (!is_known(task.method)) return "method must be " + probes::choice_of_methods();
  if (auto fault = number_fault(task, probes::Kind::kTrace)) return fault;
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
  if (!is_known(task.kind)) return "kind must be " + probes::choice_of_kinds();
  if (auto fault = out_of_range("id", task.id, 0, probes::kMaxProbeNumber)) return fault;
  if (auto fault = number_fault(task, std::nullopt)) return fault;
  if (task.kind == probes::Kind::kTimestamp) return timestamp_fault(task);
  if (task.kind == probes::Kind::kTrace) return trace_fault(task);
  return std::nullopt;
}

}  // namespace backsight::tasks
