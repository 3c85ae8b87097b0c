// IPv4 addresses and prefixes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace backsight::probes {

// An IPv4 address. `value` is in host order: 192.0.2.1 is 0xc0000201.
struct Ipv4Addr {
  std::uint32_t value = 0;

  friend constexpr auto operator<=>(const Ipv4Addr&, const Ipv4Addr&) = default;
  [[nodiscard]] constexpr bool is_unspecified() const noexcept { return value == 0; }
};

// A prefix; the bits of `base` beyond `length` are zero.
struct Ipv4Prefix {
  Ipv4Addr base;
  std::uint8_t length = 0;  // 0..32

  friend constexpr auto operator<=>(const Ipv4Prefix&, const Ipv4Prefix&) = default;
  [[nodiscard]] constexpr std::uint32_t mask() const noexcept {
    return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  }
  [[nodiscard]] constexpr bool contains(Ipv4Addr address) const noexcept {
    return (address.value & mask()) == base.value;
  }
};

// Parses dotted decimal, four numbers of 0..255 without leading zeros; nothing around it.
[[nodiscard]] std::optional<Ipv4Addr> parse_ipv4(std::string_view text) noexcept;

// Parses "192.0.2.0/24"; refuses host bits that are set. A bare address is a /32.
[[nodiscard]] std::optional<Ipv4Prefix> parse_prefix(std::string_view text) noexcept;

[[nodiscard]] std::string to_string(Ipv4Addr address);
[[nodiscard]] std::string to_string(Ipv4Prefix prefix);

}  // namespace backsight::probes

template <>
struct std::hash<backsight::probes::Ipv4Addr> {
  std::size_t operator()(backsight::probes::Ipv4Addr address) const noexcept {
    return std::hash<std::uint32_t>{}(address.value);
  }
};
