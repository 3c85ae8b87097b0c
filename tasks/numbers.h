// The numbers that a task may give: one table of keys, ranges and places, which JSON, the command
// line, the checks of a task and docs/formats.md follow.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tasks/task.h"

namespace backsight::tasks {

struct Number {
  std::string_view key;
  std::optional<probes::Kind> kind;  // that alone has it; nothing: all kinds
  std::uint32_t least;
  std::uint32_t most;
};

// Calls visit(Number, member of Task) for each, in the order of their keys in JSON.
template <typename Visit>
constexpr void for_each_number(Visit&& visit) {
  constexpr auto kTrace = probes::Kind::kTrace;
  visit(Number{"timeout_ms", {}, 1, kMaxTimeoutMs}, &Task::timeout_ms);
  visit(Number{"ttl", {}, 1, 255}, &Task::ttl);
  visit(Number{"flow", {}, 0, 65535}, &Task::flow);
  visit(Number{"first_ttl", kTrace, 1, 255}, &Task::first_ttl);
  visit(Number{"max_ttl", kTrace, 1, 255}, &Task::max_ttl);
  visit(Number{"attempts", kTrace, 1, 10}, &Task::attempts);
  visit(Number{"gap_limit", kTrace, 1, 255}, &Task::gap_limit);
  visit(Number{"loop_limit", kTrace, 0, 255}, &Task::loop_limit);
}

}  // namespace backsight::tasks
