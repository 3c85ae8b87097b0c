#include "probes/wire/mac_addr.h"

namespace backsight::probes {
namespace {

std::optional<std::uint8_t> hex_digit(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<std::uint8_t>(digit - 'A' + 10);
  return std::nullopt;
}

}  // namespace

std::optional<MacAddr> parse_mac(std::string_view text) noexcept {
  MacAddr mac;
  if (text.size() != 3 * mac.bytes.size() - 1) return std::nullopt;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    const auto high = hex_digit(text[3 * i]);
    const auto low = hex_digit(text[3 * i + 1]);
    if (!high || !low || (i != 0 && text[3 * i - 1] != ':')) return std::nullopt;
    mac.bytes[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return mac;
}

std::string to_string(MacAddr mac) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : mac.bytes) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

}  // namespace backsight::probes
