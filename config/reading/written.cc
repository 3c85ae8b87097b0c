#include "config/reading/written.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace backsight::config {
namespace {

using Kind = YamlNode::Kind;

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// The texts that hold a control character.
Refusals control_characters(const Key& key, std::span<const std::string> texts) {
  Refusals refusals;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (std::ranges::none_of(texts[i], is_control)) continue;
    const std::string shown = key.is_secret ? "" : in_quotes(texts[i]) + ' ';
    refusals.push_back({i, shown + "holds a control character"});
  }
  return refusals;
}

Refusals set(const Key& key, std::span<const std::string> texts) {
  if (texts.empty() && !key.no_items.empty()) return {{0, key.no_items}};
  Refusals refusals = control_characters(key, texts);
  return refusals.empty() ? key.set(texts) : refusals;
}

}  // namespace

Written::Written(const Keys& keys, FaultSink faults)
    : keys_(keys),
      faults_(std::move(faults)),
      nodes_(keys.all().size()),
      is_taken_(keys.all().size()) {}

void Written::read(const YamlNode& map, const Keys& keys, FaultSink faults) {
  Written(keys, std::move(faults)).read_all(map);
}

void Written::read_all(const YamlNode& map) {
  std::vector<std::string_view> names;
  for (const Key& key : keys_.all()) names.emplace_back(key.name);
  for (const FoundKey& found : walk_keys(map, names, faults_)) {
    nodes_[found.index] = found.node;
    if (!keys_.all()[found.index].maps) read_key(found.index);
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Key& key = keys_.all()[i];
    if (key.is_required && nodes_[i] == nullptr) {
      faults_.add(map.line, key.name, key.with_remedy("is missing"));
    }
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (keys_.all()[i].maps && nodes_[i] != nullptr) read_maps(i);
  }
  for (const Keys::Check& check : keys_.checks()) {
    section_ = check.section;
    check.run(*this);
  }
}

std::size_t Written::index_of(std::string_view name) const {
  const std::string whole = section_ + std::string(name);
  const auto found = std::ranges::find(keys_.all(), whole, &Key::name);
  assert(found != keys_.all().end());
  return static_cast<std::size_t>(found - keys_.all().begin());
}

bool Written::has(std::string_view name) const {
  const YamlNode* const node = nodes_[index_of(name)];
  return node != nullptr && node->kind != Kind::kNothing;
}

bool Written::has_taken(std::string_view name) const { return is_taken_[index_of(name)]; }

void Written::refuse(std::string_view name, std::string_view clause) {
  add(name, keys_.all()[index_of(name)].with_remedy(clause));
}

void Written::add(std::string_view name, std::string sentence) {
  const std::size_t index = index_of(name);
  const YamlNode* const node = nodes_[index];
  faults_.add(node == nullptr ? 0 : node->line, keys_.all()[index].name, std::move(sentence));
}

void Written::read_key(std::size_t index) {
  const Key& key = keys_.all()[index];
  const YamlNode& node = *nodes_[index];
  const bool is_emptied = node.kind == Kind::kNothing && node.line == YamlNode::kSetLine;
  if (is_emptied && !key.absent.empty()) return;  // --set deny= switches off what the file says
  const Texts written = texts_of(node, key.is_list);
  if (!written.clause.empty()) {
    faults_.add(node.line, key.name, key.with_remedy(written.clause));
    return;
  }
  const Refusals refusals = set(key, written.texts);
  for (const Refusal& refusal : refusals) {
    const int line = refusal.item < written.lines.size() ? written.lines[refusal.item] : node.line;
    faults_.add(line, key.name, key.with_remedy(refusal.clause));
  }
  is_taken_[index] = refusals.empty();
}

void Written::read_maps(std::size_t index) {
  const Key& key = keys_.all()[index];
  const YamlNode& list = *nodes_[index];
  const MapsRule& rule = key.maps->rule;
  const std::size_t count = list.children.size();
  if (list.kind == Kind::kNothing && rule.least == 0) return;
  if (list.kind != Kind::kList || count < rule.least) {
    faults_.add(list.line, key.name, key.with_remedy(fmt::format("is not a {}", rule.values)));
    return;
  }
  if (count > rule.most) {
    faults_.add(list.line, key.name,
                fmt::format("has {} {}; write {} at most", count, key.name, rule.most));
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const YamlNode& item = list.children[i];
    const std::string name = fmt::format("{}.{}", key.name, i);
    Keys keys(keys_.folder());
    key.maps->add();
    key.maps->describe(keys, i);
    if (item.kind == Kind::kMap) {
      read(item, keys, faults_.below(name + '.'));
    } else if (item.kind == Kind::kText && !rule.bare.empty()) {
      read_bare(item, *keys.find(rule.bare), name);
    } else {
      faults_.add(item.line, name, std::string(rule.no_map));
    }
  }
}

void Written::read_bare(const YamlNode& item, const Key& key, const std::string& name) {
  for (const Refusal& refusal : set(key, {&item.text, 1})) {
    faults_.add(item.line, name, key.with_remedy(refusal.clause));
  }
}

Faults read_keys(const std::string& text, std::string_view file_name,
                 std::span<const std::string> overrides, const Keys& keys) {
  auto root = parse_yaml(text, file_name);
  if (!root) return std::move(root.error());
  Faults faults;
  for (const std::string& override : overrides) {
    if (auto applied = apply_override(*root, override); !applied) {
      faults.push_back(std::move(applied.error()));
    }
  }
  Written::read(*root, keys, FaultSink(file_name, "", faults));
  sort_by_place(faults);
  return faults;
}

}  // namespace backsight::config
