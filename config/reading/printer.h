// What a description says, for people: the commented YAML that --print-config shows, the Markdown
// table of a manual, and what differs between two configs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/reading/keys.h"

namespace backsight::config {

// A single value, or a list in brackets, as YAML reads it back. REQUIRES: a single value has a
// text.
[[nodiscard]] std::string as_yaml(std::span<const std::string> texts, bool is_list);

// Every key in order, with a line for each section. Keys that are absent stand as comments.
[[nodiscard]] std::string print_keys(const Keys& keys);

// An aligned table: key, values, default, meaning. REQUIRES: the keys of a config that is empty,
// which is no longer empty then.
[[nodiscard]] std::string print_manual(const Keys& keys);

struct Difference {
  std::string name;
  std::string before;  // as it may be written; of a list of maps: its lines
  std::string after;
};

// Between two configs of one kind, in the order of their keys.
[[nodiscard]] std::vector<Difference> differences(const Keys& before, const Keys& after);

}  // namespace backsight::config
