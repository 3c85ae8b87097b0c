#include "config/reading/key_printer.h"

#include <algorithm>

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
         std::all_of(text.begin(), text.end(), is_safe) &&
         std::find(std::begin(kNulls), std::end(kNulls), text) == std::end(kNulls);
}

std::string as_yaml(std::string_view text, bool is_in_list) {
  if (is_plain(text, is_in_list)) {
    return std::string(text);
  }
  std::string yaml = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      yaml += '\\';
    }
    yaml += c;
  }
  return yaml + '"';
}

std::string_view section_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == name.npos ? std::string_view{} : name.substr(0, dot);
}

}  // namespace

std::string as_yaml(std::span<const std::string> texts, bool is_list) {
  if (!is_list) {
    return as_yaml(texts[0], false);
  }
  std::string yaml = "[";
  for (const std::string& text : texts) {
    yaml += (yaml.size() > 1 ? ", " : "") + as_yaml(text, true);
  }
  return yaml + ']';
}

void KeyPrinter::line(std::string text, std::string_view comment) {
  if (!comment.empty()) {
    text.resize(std::max(text.size() + 2, kCommentColumn), ' ');
    text += fmt::format("# {}", comment);
  }
  text_ += text + '\n';
}

void KeyPrinter::enter(std::string_view name, std::string_view& section) {
  if (section_of(name) == section) {
    return;
  }
  section = section_of(name);
  if (!section.empty()) {
    line(fmt::format("{}:", section));
  }
}

std::string KeyManual::table() const {
  std::vector<Row> rows{{"key", "values", "default", "meaning"}, {}};
  rows.insert(rows.end(), rows_.begin(), rows_.end());
  std::array<std::size_t, 4> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (std::size_t i = 0; i < widths.size(); ++i) {
    rows[1][i] = std::string(widths[i], '-');
  }
  std::string table;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      table += fmt::format("| {:<{}} ", row[i], widths[i]);
    }
    table += "|\n";
  }
  return table;
}

}  // namespace backsight::config
