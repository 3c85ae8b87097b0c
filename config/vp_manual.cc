#include "config/vp_manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "config/vp_keys.h"

namespace backsight::config {
namespace {

using Row = std::array<std::string, 4>;

template <typename Config>
std::string default_of(const Key<Config>& key) {
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

template <typename Config>
void add_rows(std::span<const Key<Config>> keys, std::string_view prefix, std::vector<Row>& rows) {
  for (const Key<Config>& key : keys) {
    rows.push_back({fmt::format("`{}{}`", prefix, key.name), key.access.values, default_of(key),
                    std::string(key.meaning)});
    if (key.is_group) {
      add_rows(port_keys(), "ports[].", rows);
    }
  }
}

}  // namespace

std::string print_vp_manual() {
  std::vector<Row> rows{{"key", "values", "default", "meaning"}, {}};
  add_rows(vp_keys(), "", rows);
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
