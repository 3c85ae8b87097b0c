#include "config/reading/key_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "config/reading/text_file.h"

namespace backsight::config {
namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kLongestCompared = 64;

// Letters to insert, delete or replace (Levenshtein).
std::size_t letters_apart(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

// The names that stand in a section, without it: for "rates.", total_pps and its sisters.
std::string names_in(std::string_view section, std::span<const std::string_view> names) {
  std::string list;
  for (std::string_view name : names) {
    if (!name.starts_with(section)) continue;
    name.remove_prefix(section.size());
    name = name.substr(0, name.find('.'));
    if (!list.ends_with(name)) list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return list;
}

class Walk {
 public:
  Walk(std::span<const std::string_view> names, FaultSink& faults)
      : names_(names), faults_(faults) {}

  void map(const YamlNode& map, const std::string& section) {
    for (const YamlNode& child : map.children) {
      const std::string name = section + child.name;
      const auto [seen, is_new] = lines_.emplace(name, child.line);
      if (!is_new) {
        faults_.add(child.line, name,
                    fmt::format("stands here again, first on line {}; keep one "
                                "of them",
                                seen->second));
        continue;
      }
      visit(child, name, section);
    }
  }

  std::vector<FoundKey> take() { return std::move(found_); }

 private:
  void visit(const YamlNode& node, const std::string& name, const std::string& section) {
    const auto key = std::find(names_.begin(), names_.end(), name);
    if (key != names_.end()) {
      found_.push_back({static_cast<std::size_t>(key - names_.begin()), &node});
      return;
    }
    const std::string inner = name + '.';
    const std::string known = names_in(inner, names_);
    if (known.empty()) {
      unknown(node, name, section);
    } else if (node.kind == Kind::kMap) {
      map(node, inner);
    } else if (node.kind != Kind::kNothing) {
      faults_.add(node.line, name,
                  fmt::format("is a section, not a value; write keys below it, of {}", known));
    }
  }

  void unknown(const YamlNode& node, const std::string& name, const std::string& section) {
    const std::string_view meant = closest_name(name, names_);
    if (!meant.empty()) {
      faults_.add(node.line, name, fmt::format("is no key; did you mean {}?", meant));
    } else {
      faults_.add(node.line, name,
                  fmt::format("is no key; those here are {}", names_in(section, names_)));
    }
  }

  std::span<const std::string_view> names_;
  FaultSink& faults_;
  std::map<std::string, int> lines_;
  std::vector<FoundKey> found_;
};

}  // namespace

void FaultSink::add(int line, std::string_view key, std::string sentence) {
  const bool is_set = line == YamlNode::kSetLine;
  faults_.push_back({is_set ? std::string(kFromSet) : std::string(file_name_), is_set ? 0 : line,
                     prefix_ + std::string(key), std::move(sentence)});
}

std::vector<FoundKey> walk_keys(const YamlNode& map, std::span<const std::string_view> names,
                                FaultSink& faults) {
  Walk walk(names, faults);
  walk.map(map, "");
  return walk.take();
}

std::string_view closest_name(std::string_view written, std::span<const std::string_view> known) {
  if (written.size() > kLongestCompared) return {};
  for (const std::string_view name : known) {
    if (last_part(name) == last_part(written)) return name;
  }
  std::string_view best;
  const std::size_t letters = last_part(written).size();
  std::size_t least = letters < 4 ? 2 : 3 + letters / 8;  // one more than what passes for a slip
  for (const std::string_view name : known) {
    const std::size_t apart = letters_apart(written, name);
    if (apart < least) {
      least = apart;
      best = name;
    }
  }
  return best;
}

Texts texts_of(const YamlNode& node, bool is_list) {
  // On the command line a list may be written without brackets: engine.workers=2,3.
  if (is_list && node.kind == Kind::kText && node.line == YamlNode::kSetLine) {
    Texts split;
    for (std::string_view rest = node.text;;) {
      const std::size_t comma = rest.find(',');
      split.texts.emplace_back(trimmed(rest.substr(0, comma)));
      split.lines.push_back(node.line);
      if (comma == std::string_view::npos) return split;
      rest.remove_prefix(comma + 1);
    }
  }
  const Kind wanted = is_list ? Kind::kList : Kind::kText;
  if (node.kind != wanted) {
    return {{},
            {},
            node.kind == Kind::kNothing ? "has no value"
            : node.kind == Kind::kMap   ? "is a section here"
            : node.kind == Kind::kList  ? "is a list here"
                                        : in_quotes(node.text) + " is not a list"};
  }
  Texts texts;
  for (const YamlNode& item : is_list ? std::span(node.children) : std::span(&node, 1)) {
    if (item.kind == Kind::kMap || item.kind == Kind::kList) {
      return {{}, {}, "holds a list or a section among its items"};
    }
    texts.texts.push_back(item.text);
    texts.lines.push_back(item.line);
  }
  return texts;
}

}  // namespace backsight::config
