// A task line: whatever is accepted is a right task, and its own JSON is accepted again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tasks/json/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backsight::tasks;
  const auto task = parse_task_line({reinterpret_cast<const char*>(data), size});
  if (!task) {
    if (task.error().sentence.empty()) std::abort();
    return 0;
  }
  if (task_fault(*task)) std::abort();
  const std::string line = to_json(*task);
  const auto again = parse_task_line(line);
  if (!again || to_json(*again) != line) std::abort();
  return 0;
}
