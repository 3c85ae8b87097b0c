#include "config/reading/key.h"

#include <charconv>

namespace backsight::config {

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
