#include "engine/control/reload.h"

#include <fmt/format.h>

#include <string_view>

#include "config/vp_keys.h"

namespace backsight::engine {
namespace {

bool is_rate(std::string_view key) { return key.starts_with("rates."); }

// Of these the files are read anew, wherever they are.
bool is_reloaded_file(std::string_view key) { return key == "deny" || key == "spoofing.enrolled"; }

// The rates that differ, in the order of the file.
std::string changed_rates(const config::VpConfig& running, const config::VpConfig& fresh) {
  std::string changes;
  for (const auto& key : config::vp_keys()) {
    if (!is_rate(key.name)) continue;
    const auto before = key.access.get(running);
    const auto after = key.access.get(fresh);
    if (before == after) continue;
    changes += fmt::format("{}{} {} -> {}", changes.empty() ? "" : ", ", key.name,
                           fmt::join(before, ","), fmt::join(after, ","));
  }
  return changes.empty() ? "rates as before" : changes;
}

// The keys that differ and that only a restart takes over.
std::string keys_left(const config::VpConfig& running, const config::VpConfig& fresh) {
  std::string keys;
  for (const auto& key : config::vp_keys()) {
    if (is_rate(key.name) || is_reloaded_file(key.name)) continue;
    // The only group is the list of ports.
    const bool is_same = key.is_group ? running.ports == fresh.ports
                                      : key.access.get(running) == key.access.get(fresh);
    if (!is_same) keys += fmt::format("{}{}", keys.empty() ? "" : ", ", key.name);
  }
  return keys;
}

}  // namespace

std::string describe_reload(const config::VpConfig& running, const config::VpConfig& fresh,
                            const Reloaded& reloaded) {
  std::string text = fmt::format(
      "{}; {} range{} denied; {} enrolled", changed_rates(running, fresh), reloaded.denied_ranges,
      reloaded.denied_ranges == 1 ? "" : "s", reloaded.has_enrolled ? "addresses are" : "nobody");
  if (const std::string left = keys_left(running, fresh); !left.empty()) {
    text += fmt::format("; {} changed too and needs a restart", left);
  }
  return text;
}

}  // namespace backsight::engine
