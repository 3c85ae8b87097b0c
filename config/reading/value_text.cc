#include "config/reading/value_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "config/fault.h"

namespace backsight::config {
namespace {

using std::chrono::seconds;

struct Unit {
  char letter;
  seconds length;
};
// The largest first.
constexpr std::array<Unit, 4> kUnits{{{'d', std::chrono::days(1)},
                                      {'h', std::chrono::hours(1)},
                                      {'m', std::chrono::minutes(1)},
                                      {'s', seconds(1)}}};
constexpr std::uint64_t kMostUnits = 1'000'000'000;  // so that no product overflows

}  // namespace

Reading<std::uint64_t> read_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, number);
  if (code == std::errc::invalid_argument || stopped != end) {
    return tl::unexpected(in_quotes(text) + " is not a whole number");
  }
  if (code != std::errc{} || number < least || number > most) {
    return tl::unexpected(fmt::format("{} is not within {}..{}", in_quotes(text), least, most));
  }
  return number;
}

Reading<seconds> read_duration(std::string_view text, seconds least, seconds most) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, count);
  const Unit* unit = nullptr;
  for (const Unit& known : kUnits) {
    if (stopped + 1 == end && *stopped == known.letter) unit = &known;
  }
  if (code == std::errc::invalid_argument || unit == nullptr) {
    return tl::unexpected(in_quotes(text) + " is not a number with s, m, h or d behind it");
  }
  if (code == std::errc{} && count <= kMostUnits) {
    const seconds duration = unit->length * count;
    if (duration >= least && duration <= most) return duration;
  }
  return tl::unexpected(fmt::format("{} is not within {}..{}", in_quotes(text),
                                    duration_text(least), duration_text(most)));
}

std::string duration_text(seconds duration) {
  for (const Unit& unit : kUnits) {
    if (duration >= 2 * unit.length && duration % unit.length == seconds(0)) {
      return fmt::format("{}{}", duration / unit.length, unit.letter);
    }
  }
  return fmt::format("{}s", duration.count());
}

}  // namespace backsight::config
