#include "engine/control/reload.h"

#include <fmt/format.h>

#include <string_view>

#include "config/reading/config_file.h"

namespace backsight::engine {
namespace {

bool is_rate(std::string_view key) { return key.starts_with("rates."); }

// Of these the files are read anew, wherever they are.
bool is_reloaded_file(std::string_view key) { return key == "deny" || key == "spoofing.enrolled"; }

}  // namespace

std::string describe_reload(const config::VpConfig& running, const config::VpConfig& fresh,
                            const Reloaded& reloaded) {
  std::string rates;
  std::string left;  // what only a restart takes over
  for (const auto& [key, before, after] : config::differences(running, fresh)) {
    if (is_rate(key)) {
      rates += fmt::format("{}{} {} -> {}", rates.empty() ? "" : ", ", key, before, after);
    } else if (!is_reloaded_file(key)) {
      left += fmt::format("{}{}", left.empty() ? "" : ", ", key);
    }
  }
  std::string text =
      fmt::format("{}; {} range{} denied; {} enrolled", rates.empty() ? "rates as before" : rates,
                  reloaded.denied_ranges, reloaded.denied_ranges == 1 ? "" : "s",
                  reloaded.has_enrolled ? "addresses are" : "nobody");
  if (!left.empty()) text += fmt::format("; {} changed too and needs a restart", left);
  return text;
}

}  // namespace backsight::engine
