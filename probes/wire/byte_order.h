// Network byte order. A plain integer is in host order everywhere in this house; what is in network
// order is bytes, read and written by load_be* and store_be*.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace backsight::probes {

// The bytes of `value` the other way round. Compilers turn each into one instruction.
[[nodiscard]] constexpr std::uint16_t reverse_bytes(std::uint16_t value) noexcept {
  return static_cast<std::uint16_t>((value << 8) | (value >> 8));
}
[[nodiscard]] constexpr std::uint32_t reverse_bytes(std::uint32_t value) noexcept {
  return __builtin_bswap32(value);
}
[[nodiscard]] constexpr std::uint64_t reverse_bytes(std::uint64_t value) noexcept {
  return __builtin_bswap64(value);
}

// A host-order value whose bytes in memory read as network order, and back.
template <typename Word>
[[nodiscard]] constexpr Word to_be(Word value) noexcept {
  if constexpr (std::endian::native == std::endian::little) return reverse_bytes(value);
  return value;
}

// Reads and writes big-endian integers at any alignment. REQUIRES: `at` has that many bytes.
[[nodiscard]] constexpr std::uint16_t load_be16(const std::byte* at) noexcept {
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(at[0]) << 8) |
                                    std::to_integer<unsigned>(at[1]));
}
[[nodiscard]] constexpr std::uint32_t load_be32(const std::byte* at) noexcept {
  if (!std::is_constant_evaluated()) {
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    return to_be(bytes);
  }
  return (std::uint32_t{load_be16(at)} << 16) | load_be16(at + 2);
}
[[nodiscard]] constexpr std::uint64_t load_be64(const std::byte* at) noexcept {
  if (!std::is_constant_evaluated()) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    return to_be(bytes);
  }
  return (std::uint64_t{load_be32(at)} << 32) | load_be32(at + 4);
}
constexpr void store_be16(std::byte* at, std::uint16_t value) noexcept {
  at[0] = static_cast<std::byte>(value >> 8);
  at[1] = static_cast<std::byte>(value & 0xff);
}
constexpr void store_be32(std::byte* at, std::uint32_t value) noexcept {
  if (!std::is_constant_evaluated()) {
    const std::uint32_t bytes = to_be(value);
    std::memcpy(at, &bytes, sizeof bytes);
    return;
  }
  store_be16(at, static_cast<std::uint16_t>(value >> 16));
  store_be16(at + 2, static_cast<std::uint16_t>(value & 0xffff));
}
constexpr void store_be64(std::byte* at, std::uint64_t value) noexcept {
  if (!std::is_constant_evaluated()) {
    const std::uint64_t bytes = to_be(value);
    std::memcpy(at, &bytes, sizeof bytes);
    return;
  }
  store_be32(at, static_cast<std::uint32_t>(value >> 32));
  store_be32(at + 4, static_cast<std::uint32_t>(value & 0xffffffff));
}

}  // namespace backsight::probes
