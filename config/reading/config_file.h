// Any config that is described by a function describe(Keys&, Config&) beside its struct.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "config/fault.h"
#include "config/reading/keys.h"
#include "config/reading/printer.h"
#include "config/reading/text_file.h"
#include "config/reading/written.h"

namespace backsight::config {

// Reads a file's text; `file_name` names it in faults and is what paths are relative to.
// `overrides` are the arguments of --set, "key=value" with dotted keys: "rates.total_pps=5",
// "ports.0.address=192.0.2.10/24", "engine.workers=2,3"; the last one of a key holds, and an empty
// value switches an optional key off. All that is wrong is reported at once. The files that the
// config names are not opened.
template <typename Config>
[[nodiscard]] tl::expected<Config, Faults> parse_config(
    const std::string& text, const std::filesystem::path& file_name,
    std::span<const std::string> overrides = {}) {
  Config config;
  Keys keys(file_name.parent_path());
  describe(keys, config);
  Faults faults = read_keys(text, file_name.string(), overrides, keys);
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return config;
}

template <typename Config>
[[nodiscard]] tl::expected<Config, Faults> load_config(
    const std::filesystem::path& file, std::span<const std::string> overrides = {}) {
  const auto text = read_text_file(file);
  if (!text) return tl::unexpected(Faults{text.error()});
  return parse_config<Config>(*text, file, overrides);
}

// Commented YAML. Parsing it again, as a file in the working directory, gives the same config.
template <typename Config>
[[nodiscard]] std::string print_config(Config config) {
  Keys keys;
  describe(keys, config);
  return print_keys(keys);
}

// Every key as an aligned Markdown table.
template <typename Config>
[[nodiscard]] std::string print_manual() {
  Config config;
  Keys keys;
  describe(keys, config);
  return print_manual(keys);
}

template <typename Config>
[[nodiscard]] std::vector<Difference> differences(Config before, Config after) {
  Keys keys_before;
  Keys keys_after;
  describe(keys_before, before);
  describe(keys_after, after);
  return differences(keys_before, keys_after);
}

}  // namespace backsight::config
