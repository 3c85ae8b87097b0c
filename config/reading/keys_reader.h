// Reads a YAML map into a struct by a table of keys, and gathers every fault on the way.
#pragma once

#include <fmt/format.h>

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/fault.h"
#include "config/reading/key.h"
#include "config/reading/key_walk.h"
#include "config/reading/yaml_tree.h"

namespace backsight::config {

template <typename Config>
class KeysReader {
 public:
  // The table and the sink outlive the reader.
  KeysReader(std::span<const Key<Config>> keys, FaultSink& faults) : keys_(keys), faults_(faults) {}

  // Reads `map` into `config`; what is refused keeps its default. Groups are left to the caller.
  void read(const YamlNode& map, Config& config) {
    std::vector<std::string_view> names;
    for (const Key<Config>& key : keys_) {
      names.push_back(key.name);
    }
    for (const FoundKey& found : walk_keys(map, names, faults_)) {
      const Key<Config>& key = keys_[found.index];
      nodes_[key.name] = found.node;
      if (!key.is_group) {
        read_key(key, *found.node, config);
      }
    }
    for (const Key<Config>& key : keys_) {
      if (key.is_required && !nodes_.contains(key.name)) {
        faults_.add(map.line, key.name, with_remedy(key, "is missing"));
      }
    }
  }

  // What was written for the key, or null.
  [[nodiscard]] const YamlNode* node(std::string_view name) const {
    const auto found = nodes_.find(name);
    return found == nodes_.end() ? nullptr : found->second;
  }
  // Whether the key was written and nothing was wrong with it.
  [[nodiscard]] bool has_taken(std::string_view name) const { return taken_.contains(name); }

  // Refuses what was written for a key, with a clause that its remedy follows.
  void refuse(std::string_view name, std::string_view clause) {
    for (const Key<Config>& key : keys_) {
      if (key.name == name) {
        add(name, with_remedy(key, clause));
      }
    }
  }
  // The same with a remedy of its own.
  void add(std::string_view name, std::string sentence) {
    const YamlNode* const written = node(name);
    faults_.add(written == nullptr ? 0 : written->line, name, std::move(sentence));
  }

 private:
  static std::string with_remedy(const Key<Config>& key, std::string_view clause) {
    return fmt::format("{}; write {}{}{}", clause, key.wanted,
                       key.example.empty() ? "" : ", such as ", key.example);
  }

  void read_key(const Key<Config>& key, const YamlNode& node, Config& config) {
    const bool is_emptied = node.kind == YamlNode::Kind::kNothing &&
                            node.line == YamlNode::kSetLine && !key.absent.empty();
    if (is_emptied) {  // --set deny= switches off what the file says
      return;
    }
    const Texts written = texts_of(node, key.access.is_list);
    if (!written.clause.empty()) {
      faults_.add(node.line, key.name, with_remedy(key, written.clause));
      return;
    }
    const Refusals refusals = key.access.set(config, written.texts);
    for (const Refusal& refusal : refusals) {
      const int line =
          refusal.item < written.lines.size() ? written.lines[refusal.item] : node.line;
      faults_.add(line, key.name, with_remedy(key, refusal.clause));
    }
    if (refusals.empty()) {
      taken_.insert(key.name);
    }
  }

  std::span<const Key<Config>> keys_;
  FaultSink& faults_;
  std::map<std::string_view, const YamlNode*> nodes_;
  std::set<std::string_view> taken_;
};

}  // namespace backsight::config
