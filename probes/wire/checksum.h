// The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit
// words.
//
// Sums are kept wide and folded at the end. One's complement arithmetic is arithmetic modulo
// 0xffff, where 0x10000 is 1, so a 32-bit word may be added as it stands: it counts as the sum of
// its halves. Folding keeps zero zero and never makes zero of anything else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "probes/wire/byte_order.h"

namespace backsight::probes {

// The sum in 16 bits, all carries added back. One fold is not enough: it may carry again.
[[nodiscard]] constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);  // at most 33 bits
  sum = (sum & 0xffffffff) + (sum >> 32);  // at most 32 bits
  sum = (sum & 0xffff) + (sum >> 16);      // at most 0x1fffe
  sum = (sum & 0xffff) + (sum >> 16);      // at most 0xffff
  return static_cast<std::uint16_t>(sum);
}

// What a 64-bit word adds to a sum, without overflowing it.
[[nodiscard]] constexpr std::uint64_t halves(std::uint64_t word) noexcept {
  return (word >> 32) + (word & 0xffffffff);
}

// The folded sum of `bytes`; a last odd byte counts as the high half of a word.
[[nodiscard]] inline std::uint16_t ones_sum(std::span<const std::byte> bytes) noexcept {
  // Words are added in the machine's byte order: the order of bytes only permutes the sum's
  // (RFC 1071, section 2 B), so one swap at the end is enough.
  const auto load = [](const std::byte* at, auto word) {
    std::memcpy(&word, at, sizeof word);
    return word;
  };
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t sum = 0;
  for (; left >= 8; at += 8, left -= 8) sum += halves(load(at, std::uint64_t{}));
  if ((left & 4) != 0) {
    sum += load(at, std::uint32_t{});
    at += 4;
  }
  if ((left & 2) != 0) {
    sum += load(at, std::uint16_t{});
    at += 2;
  }
  if ((left & 1) != 0) {
    sum += to_be(static_cast<std::uint16_t>(std::to_integer<unsigned>(*at) << 8));
  }
  return to_be(fold(sum));
}

// The checksum field that a sum of everything else asks for.
[[nodiscard]] constexpr std::uint16_t checksum_of(std::uint64_t sum) noexcept {
  return static_cast<std::uint16_t>(~fold(sum));
}

// True iff `bytes`, checksum field included, add up.
[[nodiscard]] inline bool adds_up(std::span<const std::byte> bytes) noexcept {
  return ones_sum(bytes) == 0xffff;
}

// The word that, added to `sum`, makes the checksum come out as `wanted`.
// REQUIRES: `wanted` is not 0xffff, which only an all-zero packet has.
[[nodiscard]] constexpr std::uint16_t compensation(std::uint64_t sum,
                                                   std::uint16_t wanted) noexcept {
  return fold(std::uint64_t{checksum_of(sum)} + static_cast<std::uint16_t>(~wanted));
}

}  // namespace backsight::probes
