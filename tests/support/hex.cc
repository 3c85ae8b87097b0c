#include "tests/support/hex.h"

#include <cstdio>
#include <cstdlib>

namespace backsight::testing {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

[[noreturn]] void die(std::string_view text) {
  std::fprintf(stderr, "not hexadecimal: %.*s\n", static_cast<int>(text.size()), text.data());
  std::abort();
}

}  // namespace

Packet from_hex(std::string_view text) {
  std::string digits;
  bool is_comment = false;
  for (const char c : text) {
    if (c == '#') is_comment = true;
    if (c == '\n') is_comment = false;
    if (is_comment || c == ' ' || c == '\n') continue;
    if (kDigits.find(c) == std::string_view::npos) die(text);
    digits += c;
  }
  if (digits.size() % 2 != 0) die(text);
  Packet bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(
        static_cast<std::byte>(kDigits.find(digits[i]) * 16 + kDigits.find(digits[i + 1])));
  }
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte) / 16];
    text += kDigits[std::to_integer<std::size_t>(byte) % 16];
  }
  return text;
}

}  // namespace backsight::testing
