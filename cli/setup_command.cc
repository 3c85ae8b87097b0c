#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/output.h"
#include "cli/queue_commands.h"
#include "queue/nats/broker/nkey.h"
#include "queue/nats/consumer/nats_client.h"

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
  if (options.renews_results) {
    if (auto renewed = queue::nats::renew_results(options.queue, sizes); !renewed) {
      return tl::unexpected(renewed.error());
    }
  }
  const auto done = queue::nats::set_up(options.queue, sizes, options.vps);
  if (!done) return tl::unexpected(done.error());
  for (const std::string& line : *done) tell(line);
  return 0;
}

Expected<int> make_nkey_file(const std::string& file) {
  const std::string seed = queue::nats::make_user_seed();
  const auto open_key = queue::nats::public_key_of(seed);
  if (!open_key) return tl::unexpected(open_key.error());
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return run_failed(fmt::format("{}: cannot be written: {}", file, std::strerror(errno)));
  }
  const std::string line = seed + "\n";
  const bool is_written =
      ::write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
      ::fsync(descriptor) == 0;
  ::close(descriptor);
  if (!is_written) return run_failed(fmt::format("{}: cannot be written", file));
  const auto told = write_out(*open_key + "\n");
  if (!told) return tl::unexpected(told.error());
  return 0;
}

}  // namespace backsight::cli
