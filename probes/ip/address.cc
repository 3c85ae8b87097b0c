#include "probes/ip/address.h"

#include <charconv>
#include <system_error>

namespace backsight::probes {
namespace {

// Takes a decimal number of at most `max` from the front of `text`; no sign, no leading zero.
std::optional<std::uint32_t> take_number(std::string_view& text, std::uint32_t max) noexcept {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number > max) return std::nullopt;
  const auto digits = static_cast<std::size_t>(rest - text.data());
  if (digits > 1 && text.front() == '0') return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char expected) noexcept {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<Ipv4Addr> parse_ipv4(std::string_view text) noexcept {
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (part != 0 && !take(text, '.')) return std::nullopt;
    const auto number = take_number(text, 255);
    if (!number) return std::nullopt;
    value = (value << 8) | *number;
  }
  if (!text.empty()) return std::nullopt;
  return Ipv4Addr{value};
}

std::optional<Ipv4Prefix> parse_prefix(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto base = parse_ipv4(text.substr(0, slash));
  if (!base) return std::nullopt;
  if (slash == std::string_view::npos) return Ipv4Prefix{*base, 32};

  text.remove_prefix(slash + 1);
  const auto length = take_number(text, 32);
  if (!length || !text.empty()) return std::nullopt;
  const Ipv4Prefix prefix{*base, static_cast<std::uint8_t>(*length)};
  if (!prefix.contains(*base)) return std::nullopt;
  return prefix;
}

std::string to_string(Ipv4Addr address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string((address.value >> shift) & 0xff);
    if (shift != 0) text += '.';
  }
  return text;
}

std::string to_string(Ipv4Prefix prefix) {
  return to_string(prefix.base) + '/' + std::to_string(prefix.length);
}

}  // namespace backsight::probes
