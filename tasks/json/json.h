// Tasks and results as JSON, one object a line (../docs/formats.md): the form of --tasks/--results
// and of `backsight queue`.
#pragma once

#include <string>
#include <string_view>

#include "config/error.h"
#include "tasks/json/json_text.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::tasks {

// Parses one task line. The error is one sentence that names the key and what would be right,
// without file and line, which the caller knows. Unknown keys are faults. When the id could be
// read, `id_if_known` is set even on an error, so that the task can be answered.
struct TaskLineFault {
  std::string sentence;
  bool has_id = false;
  std::uint64_t id = 0;
};
[[nodiscard]] tl::expected<Task, TaskLineFault> parse_task_line(std::string_view line);

// One line each, without its end.
[[nodiscard]] std::string to_json(const Task& task);
[[nodiscard]] std::string to_json(const ProbeResult& result, std::string_view vp);
[[nodiscard]] std::string to_json(const TraceResult& result, std::string_view vp);
[[nodiscard]] std::string to_json(const Observation& observation, std::string_view vp);

// The same, appended to `out`, with a line end after each: for many.
void append_json(std::string& out, const ProbeResult& result, std::string_view vp);
void append_json(std::string& out, const TraceResult& result, std::string_view vp);
void append_json(std::string& out, const Observation& observation, std::string_view vp);
void append_json(std::string& out, const ResultBatch& batch, std::string_view vp);

// A hop's labels, as the value of the key "mpls".
void write_labels(JsonText& json, const Hop& hop);

}  // namespace backsight::tasks
