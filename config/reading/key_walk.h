// Walks a YAML map by the names of its keys and reports what does not belong there.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/fault.h"
#include "config/reading/yaml_tree.h"

namespace backsight::config {

// Where the faults of one map go.
class FaultSink {
 public:
  // `prefix` stands before every key: "ports.0.".
  FaultSink(std::string_view file_name, std::string prefix, Faults& faults)
      : file_name_(file_name), prefix_(std::move(prefix)), faults_(faults) {}

  // `line` is that of a YamlNode.
  void add(int line, std::string_view key, std::string sentence);
  // That of a map in this one.
  [[nodiscard]] FaultSink below(const std::string& name) const {
    return {file_name_, prefix_ + name, faults_};
  }

 private:
  std::string_view file_name_;
  std::string prefix_;
  Faults& faults_;
};

// A key that was found.
struct FoundKey {
  std::size_t index;  // in the names that were asked for
  const YamlNode* node;
};

// Finds the dotted `names` in a map; "rates.total_pps" is total_pps in the section rates. Unknown
// keys, keys that stand twice and sections that are none become faults. Each name is found once.
[[nodiscard]] std::vector<FoundKey> walk_keys(const YamlNode& map,
                                              std::span<const std::string_view> names,
                                              FaultSink& faults);

// The known name that was probably meant: a few letters apart, or right but in another section.
// Empty: none is close.
[[nodiscard]] std::string_view closest_name(std::string_view written,
                                            std::span<const std::string_view> known);

// What stands where a value or a list was expected: the texts it holds, or why it is refused.
struct Texts {
  std::vector<std::string> texts;
  std::vector<int> lines;  // of each text
  std::string clause;      // empty: none
};
[[nodiscard]] Texts texts_of(const YamlNode& node, bool is_list);

}  // namespace backsight::config
