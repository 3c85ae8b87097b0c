#include "config/reading/key.h"

#include <array>
#include <charconv>

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

std::optional<std::string> why_no_number(std::string_view text, std::uint64_t least,
                                         std::uint64_t most, std::uint64_t& number) {
  const char* const end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, number);
  if (code == std::errc::invalid_argument || stopped != end) {
    return in_quotes(text) + " is not a whole number";
  }
  if (code != std::errc{} || number < least || number > most) {
    return fmt::format("{} is not within {}..{}", in_quotes(text), least, most);
  }
  return std::nullopt;
}

std::optional<std::string> why_no_duration(std::string_view text, seconds least, seconds most,
                                           seconds& duration) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, count);
  const Unit* unit = nullptr;
  for (const Unit& known : kUnits) {
    if (stopped + 1 == end && *stopped == known.letter) {
      unit = &known;
    }
  }
  if (code == std::errc::invalid_argument || unit == nullptr) {
    return in_quotes(text) + " is not a number with s, m, h or d behind it";
  }
  if (code == std::errc{} && count <= kMostUnits) {
    duration = unit->length * count;
    if (duration >= least && duration <= most) {
      return std::nullopt;
    }
  }
  return fmt::format("{} is not within {}..{}", in_quotes(text), duration_text(least),
                     duration_text(most));
}

std::string duration_text(seconds duration) {
  for (const Unit& unit : kUnits) {
    if (duration >= 2 * unit.length && duration % unit.length == seconds(0)) {
      return fmt::format("{}{}", duration / unit.length, unit.letter);
    }
  }
  return fmt::format("{}s", duration.count());
}

std::optional<std::string> why_no_text(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      return in_quotes(text) + " holds a control character";
    }
  }
  return std::nullopt;
}

}  // namespace backsight::config
