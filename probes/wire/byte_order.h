// Network byte order. A plain integer is in host order everywhere in this house; what is in network
// order is bytes, read and written by load_be* and store_be*.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backsight::probes {

// Reads and writes big-endian integers at any alignment. REQUIRES: `at` has that many bytes.
[[nodiscard]] constexpr std::uint16_t load_be16(const std::byte* at) noexcept {
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(at[0]) << 8) |
                                    std::to_integer<unsigned>(at[1]));
}
[[nodiscard]] constexpr std::uint32_t load_be32(const std::byte* at) noexcept {
  return (std::uint32_t{load_be16(at)} << 16) | load_be16(at + 2);
}
[[nodiscard]] constexpr std::uint64_t load_be64(const std::byte* at) noexcept {
  return (std::uint64_t{load_be32(at)} << 32) | load_be32(at + 4);
}
constexpr void store_be16(std::byte* at, std::uint16_t value) noexcept {
  at[0] = static_cast<std::byte>(value >> 8);
  at[1] = static_cast<std::byte>(value & 0xff);
}
constexpr void store_be32(std::byte* at, std::uint32_t value) noexcept {
  store_be16(at, static_cast<std::uint16_t>(value >> 16));
  store_be16(at + 2, static_cast<std::uint16_t>(value & 0xffff));
}
constexpr void store_be64(std::byte* at, std::uint64_t value) noexcept {
  store_be32(at, static_cast<std::uint32_t>(value >> 32));
  store_be32(at + 4, static_cast<std::uint32_t>(value & 0xffffffff));
}

}  // namespace backsight::probes
