#include <fmt/format.h>

#include "cli/output.h"
#include "cli/queue_commands.h"
#include "queue/nats/nats_access.h"

namespace backsight::cli {

Expected<int> set_up_queue(const SetupOptions& options) {
  if (auto checked = queue::check_address(options.queue); !checked) {
    return tl::unexpected(checked.error());
  }
  if (!options.queue.is_broker()) {
    return bad_usage(
        fmt::format("queue {} needs no setup; give the broker's URL, such as "
                    "nats://broker:4222",
                    options.queue.shown()));
  }
  const queue::nats::StreamSizes sizes{
      .replicas = options.replicas,
      .task_bytes = static_cast<std::int64_t>(options.tasks_mib << 20),
      .result_bytes = static_cast<std::int64_t>(options.results_mib << 20)};
  const auto done = queue::nats::set_up(options.queue, sizes, options.vps);
  if (!done) return tl::unexpected(done.error());
  for (const std::string& line : *done) tell(line);
  return 0;
}

}  // namespace backsight::cli
