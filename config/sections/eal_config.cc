#include "config/sections/eal_config.h"

#include "config/reading/keys.h"

namespace backsight::config {

void describe_waiting(Keys& keys, EalConfig& eal, std::string_view control_meaning) {
  using Idle = EalConfig::Idle;
  using Hugepages = EalConfig::Hugepages;
  keys.number("control", eal.control, 0, kMaxCores - 1, control_meaning).write("one core");
  keys.word("idle", eal.idle, {{"poll", Idle::kPoll}, {"adaptive", Idle::kAdaptive}},
            "poll without pause, or adaptive: nap when idle");
  keys.word(
      "hugepages", eal.hugepages,
      {{"auto", Hugepages::kAuto}, {"required", Hugepages::kRequired}, {"off", Hugepages::kOff}},
      "auto: if there are any");
}

void describe_arguments(Keys& keys, EalConfig& eal) {
  const auto read = [](std::string_view text, const auto&) -> Reading<std::string> {
    if (text.empty()) return tl::unexpected<std::string>("an argument is empty");
    return std::string(text);
  };
  keys.list("eal", eal.arguments, "list of arguments", "extra EAL arguments", read)
      .write("a list of EAL arguments", "[\"--log-level=lib.eal:debug\"]");
}

}  // namespace backsight::config
