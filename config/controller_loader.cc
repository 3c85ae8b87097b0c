#include "config/controller_loader.h"

#include <fmt/format.h>

#include "config/controller_keys.h"
#include "config/listen.h"
#include "config/queue_keys.h"
#include "config/reading/config_file.h"
#include "config/reading/keys_reader.h"
#include "config/reading/text_file.h"

namespace backsight::config {
namespace {

// Whoever reaches the API may send probes: without keys that is nobody but this machine.
void check_listen(const ControllerConfig& config, KeysReader<ControllerConfig>& reader) {
  if (config.keys_file.empty() && !is_loopback(config.listen)) {
    reader.add("listen", fmt::format("\"{}\" is reached from elsewhere and no key is asked for; "
                                     "write keys: keys.yaml too, or 127.0.0.1:8080",
                                     config.listen));
  }
  if (!config.metrics_listen.empty() && config.listen == config.metrics_listen) {
    reader.add("metrics.listen", fmt::format("\"{}\" is where the API listens; write another "
                                             "port, such as 127.0.0.1:9465",
                                             config.listen));
  }
}

}  // namespace

tl::expected<ControllerConfig, Faults> parse_controller_config(
    const std::string& text, const std::filesystem::path& file_name,
    std::span<const std::string> overrides) {
  const std::string name = file_name.string();
  Faults faults;
  const auto root = parse_with_overrides(text, name, overrides, faults);
  if (!root) {
    return tl::unexpected(root.error());
  }
  ControllerConfig config;
  FaultSink sink(name, "", faults);
  KeysReader<ControllerConfig> reader(controller_keys(), sink);
  reader.read(*root, config);
  check_queue(config, reader);
  check_listen(config, reader);
  if (!faults.empty()) {
    sort_by_place(faults);
    return tl::unexpected(std::move(faults));
  }
  const std::filesystem::path folder = file_name.parent_path();
  for (auto* path :
       {&config.queue.state, &config.archive, &config.state, &config.annotation.prefixes_file,
        &config.annotation.exchanges_file, &config.annotation.geolocation_file,
        &config.aliases_file, &config.deny_file, &config.keys_file}) {
    resolve(*path, folder);
  }
  for (auto* path : paths_of(config.queue)) {
    resolve(*path, folder);
  }
  for (std::filesystem::path& path : config.atlas.imports) {
    resolve(path, folder);
  }
  return config;
}

tl::expected<ControllerConfig, Faults> load_controller_config(
    const std::filesystem::path& file, std::span<const std::string> overrides) {
  const auto text = read_text_file(file);
  if (!text) {
    return tl::unexpected(Faults{text.error()});
  }
  return parse_controller_config(*text, file, overrides);
}

}  // namespace backsight::config
