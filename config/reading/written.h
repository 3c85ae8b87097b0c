// What an operator wrote for the keys of one map.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/fault.h"
#include "config/reading/key_walk.h"
#include "config/reading/keys.h"
#include "config/reading/yaml_tree.h"

namespace backsight::config {

class Written {
 public:
  // Reads the map into the fields; what is refused keeps its default. Then calls the checks.
  static void read(const YamlNode& map, const Keys& keys, FaultSink faults);

  // For checks, which call keys as their descriptions do.

  // Whether anything is written for it, right or wrong.
  [[nodiscard]] bool has(std::string_view name) const;
  // Whether it was written and nothing was wrong with it.
  [[nodiscard]] bool has_taken(std::string_view name) const;
  // Refuses what was written, with a clause that the key's remedy follows.
  void refuse(std::string_view name, std::string_view clause);
  // The same with a remedy of its own.
  void add(std::string_view name, std::string sentence);

 private:
  Written(const Keys& keys, FaultSink faults);
  void read_all(const YamlNode& map);
  [[nodiscard]] std::size_t index_of(std::string_view name) const;
  void read_key(std::size_t index);
  void read_maps(std::size_t index);
  void read_bare(const YamlNode& item, const Key& key, const std::string& name);

  const Keys& keys_;
  FaultSink faults_;
  std::string section_;                 // of the check that is under way, with its dot
  std::vector<const YamlNode*> nodes_;  // of each key; null: it is not there
  std::vector<bool> is_taken_;
};

// Reads a file's text with the overrides ("key=value") over it. Returns the faults in the order of
// their lines.
[[nodiscard]] Faults read_keys(const std::string& text, std::string_view file_name,
                               std::span<const std::string> overrides, const Keys& keys);

}  // namespace backsight::config
