// A YAML document as a tree of texts, lists and maps that know their lines, nothing more: no
// aliases, no tags, no types. What a text means is up to the key it belongs to, so "no" and "off"
// are words and 08 is no octal number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/fault.h"

namespace backsight::config {

struct YamlNode {
  enum class Kind { kNothing, kText, kList, kMap };

  static constexpr int kSetLine = -1;

  Kind kind = Kind::kNothing;
  int line = 0;                    // 1-based; 0: the whole file; kSetLine: came from --set
  std::string name;                // in a map: the key
  std::string text;                // of a kText
  std::vector<YamlNode> children;  // of a kList or kMap, in order; keys of a map may stand twice

  [[nodiscard]] const YamlNode* find(std::string_view child_name) const noexcept;
  [[nodiscard]] YamlNode* find(std::string_view child_name) noexcept;
};

// Parses one document, which must be a map; an empty one is a map without keys. No exception leaves
// this function.
[[nodiscard]] tl::expected<YamlNode, Faults> parse_yaml(const std::string& text,
                                                        std::string_view file_name);

// Puts the value of "key=value" where the dotted key says, in place of what stood there. A number
// names an item of a list; the number after the last appends. "[a, b]" is read as YAML, any other
// value as it stands.
[[nodiscard]] tl::expected<void, Fault> apply_override(YamlNode& root, std::string_view override);

}  // namespace backsight::config
