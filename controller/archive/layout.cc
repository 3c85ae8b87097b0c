#include "controller/archive/layout.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>

namespace backsight::controller {

namespace {

using Microseconds = std::chrono::sys_time<std::chrono::microseconds>;

// "20260131T101112.123456Z"
constexpr std::string_view kTimeForm =
    "dddddddd"
    "T"
    "dddddd"
    "."
    "dddddd"
    "Z";

struct Civil {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  std::uint64_t in_day_us = 0;
};

Civil civil_of(std::uint64_t unix_us) {
  const Microseconds time{std::chrono::microseconds(unix_us)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()), static_cast<std::uint64_t>((time - day).count())};
}

bool has_form(std::string_view text) {
  if (text.size() != kTimeForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kTimeForm[i] == 'd' ? !is_digit : text[i] != kTimeForm[i]) return false;
  }
  return true;
}

// REQUIRES: digits there.
unsigned number_at(std::string_view text, std::size_t at, std::size_t digits) {
  unsigned number = 0;
  std::from_chars(text.data() + at, text.data() + at + digits, number);
  return number;
}

std::optional<std::uint64_t> parse_time(std::string_view text) {
  if (!has_form(text)) return std::nullopt;
  using namespace std::chrono;
  const year_month_day date(year(static_cast<int>(number_at(text, 0, 4))),
                            month(number_at(text, 4, 2)), day(number_at(text, 6, 2)));
  const unsigned hour = number_at(text, 9, 2);
  const unsigned minute = number_at(text, 11, 2);
  const unsigned second = number_at(text, 13, 2);
  if (!date.ok() || date.year() < year(1970) || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  const Microseconds time = sys_days(date) + hours(hour) + minutes(minute) + seconds(second) +
                            microseconds(number_at(text, 16, 6));
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

}  // namespace

std::string to_string(const BundleName& bundle) {
  const Civil civil = civil_of(bundle.unix_us);
  const std::uint64_t seconds = civil.in_day_us / 1'000'000;
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:06}Z-{}", civil.year, civil.month,
                     civil.day, seconds / 3600, seconds / 60 % 60, seconds % 60,
                     civil.in_day_us % 1'000'000, name(bundle.datatype));
}

std::optional<BundleName> parse_bundle_name(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto time = parse_time(text.substr(0, dash));
  const auto datatype = parse_datatype(text.substr(dash + 1));
  if (!time || !datatype) return std::nullopt;
  return BundleName{*time, *datatype};
}

std::string day_of(std::uint64_t unix_us) {
  const Civil civil = civil_of(unix_us);
  return fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
}

Expected<ArchiveLayout> ArchiveLayout::of(const std::string& directory) {
  std::error_code fault;
  const auto root = std::filesystem::absolute(directory, fault).lexically_normal();
  if (fault || directory.empty()) {
    return bad_usage(fmt::format("archive: \"{}\" is no directory", directory));
  }
  std::string path = root.string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return ArchiveLayout(std::move(path));
}

std::string ArchiveLayout::bundle_directory(const BundleName& bundle) const {
  const Civil civil = civil_of(bundle.unix_us);
  return fmt::format("{}/{}/{:04}/{:02}/{:02}", root_, name(bundle.datatype), civil.year,
                     civil.month, civil.day);
}

}  // namespace backsight::controller
