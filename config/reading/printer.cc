#include "config/reading/printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace backsight::config {
namespace {

constexpr std::size_t kCommentColumn = 34;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Whether YAML reads the text as it stands, in a list too if it is without comma and colon.
bool is_plain(std::string_view text, bool is_in_list) {
  const std::string_view others = is_in_list ? "_./=-+@%" : "_./=-+@%,:";
  const auto is_safe = [&](char c) { return is_alphanumeric(c) || others.find(c) != others.npos; };
  constexpr std::string_view kNulls[] = {"null", "Null", "NULL"};
  return !text.empty() && (is_alphanumeric(text[0]) || text[0] == '/') && text.back() != ':' &&
         std::ranges::all_of(text, is_safe) && std::ranges::find(kNulls, text) == std::end(kNulls);
}

std::string scalar(std::string_view text, bool is_in_list) {
  if (is_plain(text, is_in_list)) return std::string(text);
  std::string yaml = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') yaml += '\\';
    yaml += c;
  }
  return yaml + '"';
}

std::string_view section_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == name.npos ? std::string_view{} : name.substr(0, dot);
}

// YAML lines with their comments in a column.
class Lines {
 public:
  void add(std::string text, std::string_view comment = {}) {
    if (!comment.empty()) {
      text.resize(std::max(text.size() + 2, kCommentColumn), ' ');
      text += fmt::format("# {}", comment);
    }
    text_ += text + '\n';
  }

  // One that is absent stands as a comment, if comments are wanted.
  void key(const Key& key, std::string_view indent, bool is_commented) {
    if (key.maps) {
      maps(key);
      return;
    }
    const std::string_view name = std::string_view(key.name).substr(key.name.find('.') + 1);
    const std::vector<std::string> texts = key.get();
    std::string comment;
    if (is_commented) {
      comment = key.meaning;
      if (!key.absent.empty()) comment += fmt::format("; absent: {}", key.absent);
    }
    if (!texts.empty() || key.is_list) {
      add(fmt::format("{}{}: {}", indent, name, as_yaml(texts, key.is_list)), comment);
    } else if (is_commented) {
      add(fmt::format("{}# {}: {}", indent, name, key.example), comment);
    }
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  // The first map alone has comments.
  void maps(const Key& list) {
    const std::size_t count = list.maps->size();
    add(fmt::format("{}:{}", list.name, count == 0 ? " []" : ""));
    for (std::size_t i = 0; i < count; ++i) {
      Keys keys;
      list.maps->describe(keys, i);
      std::string_view indent = "  - ";
      for (const Key& one : keys.all()) {
        key(one, indent, i == 0);
        indent = "    ";
      }
    }
  }

  std::string text_;
};

std::string text_of(const Key& key) {
  if (!key.maps) return fmt::format("{}", fmt::join(key.get(), ","));
  Lines lines;
  lines.key(key, "", false);
  return lines.take();
}

using Row = std::array<std::string, 4>;

Row row_of(const Key& key, std::string_view prefix) {
  const std::vector<std::string> texts = key.maps ? std::vector<std::string>{} : key.get();
  const std::string joined = fmt::format("{}", fmt::join(texts, ", "));
  std::string held;
  if (key.is_required) {
    held = "required";
  } else if (key.is_list) {
    held = fmt::format("`[{}]`", joined);
  } else {
    held = texts.empty() ? key.absent : fmt::format("`{}`", joined);
  }
  return {fmt::format("`{}{}`", prefix, key.name), key.values, held, key.meaning};
}

}  // namespace

std::string as_yaml(std::span<const std::string> texts, bool is_list) {
  if (!is_list) return scalar(texts[0], false);
  std::string yaml = "[";
  for (const std::string& text : texts) yaml += (yaml.size() > 1 ? ", " : "") + scalar(text, true);
  return yaml + ']';
}

std::string print_keys(const Keys& keys) {
  Lines lines;
  lines.add(keys.title());
  std::string_view section;
  for (const Key& key : keys.all()) {
    if (section_of(key.name) != section) {
      section = section_of(key.name);
      if (!section.empty()) lines.add(fmt::format("{}:", section));
    }
    lines.key(key, section.empty() ? "" : "  ", true);
  }
  return lines.take();
}

std::string print_manual(const Keys& keys) {
  std::vector<Row> rows{{"key", "values", "default", "meaning"}, {}};
  for (const Key& key : keys.all()) {
    rows.push_back(row_of(key, ""));
    if (!key.maps) continue;
    Keys item;
    key.maps->add();
    key.maps->describe(item, 0);
    for (const Key& one : item.all()) rows.push_back(row_of(one, key.name + "[]."));
  }
  std::array<std::size_t, 4> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (std::size_t i = 0; i < widths.size(); ++i) rows[1][i] = std::string(widths[i], '-');
  std::string table;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      table += fmt::format("| {:<{}} ", row[i], widths[i]);
    }
    table += "|\n";
  }
  return table;
}

std::vector<Difference> differences(const Keys& before, const Keys& after) {
  std::vector<Difference> found;
  for (std::size_t i = 0; i < before.all().size(); ++i) {
    const Key& key = before.all()[i];
    Difference one{key.name, text_of(key), text_of(after.all()[i])};
    if (one.before != one.after) found.push_back(std::move(one));
  }
  return found;
}

}  // namespace backsight::config
