// Writes a config by its table of keys: as the commented YAML that --print-config shows, or as the
// Markdown table of a manual.
#pragma once

#include <fmt/format.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reading/key.h"

namespace backsight::config {

// A single value, or a list in brackets, as YAML reads it back. REQUIRES: a single value has a
// text.
[[nodiscard]] std::string as_yaml(std::span<const std::string> texts, bool is_list);

// YAML lines with their comments in a column.
class KeyPrinter {
 public:
  void line(std::string text, std::string_view comment = {});

  // One key at this indentation. One that is absent stands as a comment, if comments are wanted.
  template <typename Config>
  void key(const Key<Config>& key, const Config& config, std::string_view indent,
           bool is_commented) {
    const std::string_view name = key.name.substr(key.name.find('.') + 1);
    const std::vector<std::string> texts = key.access.get(config);
    std::string comment;
    if (is_commented) {
      comment = key.meaning;
      if (!key.absent.empty()) {
        comment += fmt::format("; absent: {}", key.absent);
      }
    }
    if (!texts.empty() || key.access.is_list) {
      line(fmt::format("{}{}: {}", indent, name, as_yaml(texts, key.access.is_list)), comment);
    } else if (is_commented) {
      line(fmt::format("{}# {}: {}", indent, name, key.example), comment);
    }
  }

  // Every key in order, with a line for each section; `group` prints the keys that are groups.
  template <typename Config, typename Group>
  void keys(std::span<const Key<Config>> keys, const Config& config, Group group) {
    std::string_view section;
    for (const Key<Config>& key : keys) {
      enter(key.name, section);
      if (key.is_group) {
        group(key);
      } else {
        this->key(key, config, section.empty() ? "" : "  ", true);
      }
    }
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  // Writes the line of the section that `name` stands in, if it is another one.
  void enter(std::string_view name, std::string_view& section);

  std::string text_;
};

// An aligned table: key, values, default, meaning.
class KeyManual {
 public:
  // `prefix` stands before every name.
  template <typename Config>
  void row(const Key<Config>& key, std::string_view prefix = {}) {
    rows_.push_back({fmt::format("`{}{}`", prefix, key.name), key.access.values, default_of(key),
                     std::string(key.meaning)});
  }
  [[nodiscard]] std::string table() const;

 private:
  using Row = std::array<std::string, 4>;

  template <typename Config>
  static std::string default_of(const Key<Config>& key) {
    if (key.is_required) {
      return "required";
    }
    const std::vector<std::string> texts = key.access.get(Config{});
    if (texts.empty() && !key.access.is_list) {
      return std::string(key.absent);
    }
    const std::string joined = fmt::format("{}", fmt::join(texts, ", "));
    return key.access.is_list ? fmt::format("`[{}]`", joined) : fmt::format("`{}`", joined);
  }

  std::vector<Row> rows_;
};

}  // namespace backsight::config
