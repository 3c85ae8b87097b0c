// Results as ping and traceroute print them.
#pragma once

#include <string>
#include <string_view>

#include "tasks/result.h"

namespace backsight::cli {

// One line for a ping; for rr and ts a line for each slot, too. `label` is what the user asked for.
[[nodiscard]] std::string report(const tasks::ProbeResult& result, std::string_view label);

// A line for each TTL.
[[nodiscard]] std::string report(const tasks::TraceResult& result, std::string_view label);

}  // namespace backsight::cli
