#include "perf/load/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace backsight::perf {
namespace {

// 1234567 as "1 234 567".
std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, " ");
  return text;
}

}  // namespace

void Figures::add(std::string_view key, double value, std::string_view unit) {
  const int digits = value >= 1000 ? 0 : value >= 100 ? 1 : 2;
  rows_.push_back({std::string(key), nlohmann::json(value).dump(),
                   fmt::format("{:.{}f}", value, digits), std::string(unit)});
}

void Figures::add(std::string_view key, std::uint64_t value, std::string_view unit) {
  rows_.push_back({std::string(key), std::to_string(value), grouped(value), std::string(unit)});
}

void Figures::add(std::string_view key, std::string_view text) {
  rows_.push_back(
      {std::string(key), nlohmann::json(std::string(text)).dump(), std::string(text), ""});
}

void Figures::check(std::string_view law, bool holds) {
  ++laws_;
  if (!holds) broken_.emplace_back(law);
}

std::string Figures::table() const {
  std::size_t width = 0;
  std::size_t value_width = 0;
  for (const Row& row : rows_) {
    width = std::max(width, row.key.size());
    value_width = std::max(value_width, row.shown.size());
  }
  std::string text = fmt::format("{}: {}\n", name_, what_);
  for (const Row& row : rows_) {
    text += fmt::format("  {:<{}}  {:>{}}  {}\n", row.key, width, row.shown, value_width, row.unit);
  }
  for (const std::string& law : broken_) text += fmt::format("  BROKEN: {}\n", law);
  if (laws_ != 0 && broken_.empty()) text += fmt::format("  {} laws hold\n", laws_);
  return text;
}

std::string Figures::json() const {
  std::string text = fmt::format("{{\"bench\":{}", nlohmann::json(name_).dump());
  for (const Row& row : rows_) text += fmt::format(",\"{}\":{}", row.key, row.text);
  text += fmt::format(",\"laws\":{},\"broken\":{}}}", laws_, nlohmann::json(broken_).dump());
  return text;
}

}  // namespace backsight::perf
