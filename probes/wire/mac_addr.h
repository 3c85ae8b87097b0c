// Ethernet addresses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backsight::probes {

// In the order of the wire.
struct MacAddr {
  std::array<std::uint8_t, 6> bytes{};

  friend constexpr auto operator<=>(const MacAddr&, const MacAddr&) = default;
};

inline constexpr MacAddr kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// Parses six two-digit hexadecimal numbers joined by colons.
[[nodiscard]] std::optional<MacAddr> parse_mac(std::string_view text) noexcept;

[[nodiscard]] std::string to_string(MacAddr mac);

}  // namespace backsight::probes
