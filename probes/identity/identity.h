// How a probe names itself and proves it is ours. docs/wire-identity.md has the picture.
//
//   identity, 16 bytes, first in the payload of every ICMP and UDP probe:
//     0..1   VP id        big-endian, 1..65535
//     2..7   number       big-endian, 48 bits: the task's id
//     8..15  tag          big-endian, SipHash-2-4 under the epoch's key
//
//   handle, 32 bits, in what a router must quote: ICMP id and sequence, TCP sequence number, or
//   UDP checksum (low half) and IP id (high half). It names the in-flight slot.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "probes/assert.h"
#include "probes/ip/address.h"
#include "probes/probe.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"

namespace backsight::probes {

inline constexpr std::size_t kIdentityBytes = 16;
inline constexpr std::size_t kIdentityTagOffset = 8;
inline constexpr std::uint64_t kMaxProbeNumber = (std::uint64_t{1} << 48) - 1;

struct ProbeId {
  std::uint16_t vp = 0;      // 1..65535
  std::uint64_t number = 0;  // 0..kMaxProbeNumber

  friend constexpr auto operator<=>(const ProbeId&, const ProbeId&) = default;
};

struct Identity {
  ProbeId id;
  std::uint64_t tag = 0;
};

// True if `seen` is `whole` up to some byte, its last one at the most, and zeros from there on:
// what a host or router left of it.
[[nodiscard]] bool is_cut_of(const Identity& seen, const Identity& whole) noexcept;

// Writes and reads the 16 bytes above. REQUIRES: `at` has kIdentityBytes; number <=
// kMaxProbeNumber.
void store_identity(std::byte* at, const Identity& identity) noexcept;
[[nodiscard]] Identity load_identity(const std::byte* at) noexcept;

// What the 16 bytes add to a one's complement sum (probes/wire/checksum.h).
[[nodiscard]] std::uint64_t identity_sum(const Identity& identity) noexcept;

// The 128-bit key of one epoch (an hour), derived from the fleet key by whoever owns that.
struct TagKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// The layout of the tag's input. It moves when the layout does, so that an old tag proves nothing.
inline constexpr std::uint8_t kTagVersion = 1;

// What the tag covers.
struct TagInput {
  ProbeId id;
  Ipv4Addr src;          // as sent: the spoofed source if there is one
  Ipv4Addr dst;          // as sent
  std::uint32_t handle;  // as sent; a spoofed probe carries the low half of its number there
  Kind kind;
  bool is_spoofed;
};

// The input as SipHash takes it.
inline constexpr std::size_t kTagWords = 3;
[[nodiscard]] constexpr std::array<std::uint64_t, kTagWords> tag_words(
    const TagInput& input) noexcept {
  return {(std::uint64_t{input.id.vp} << 48) | input.id.number,
          (std::uint64_t{input.src.value} << 32) | input.dst.value,
          (std::uint64_t{input.handle} << 32) | (std::uint64_t{kTagVersion} << 16) |
              (std::uint64_t{static_cast<std::uint8_t>(input.kind)} << 8) |
              std::uint64_t{input.is_spoofed}};
}

[[nodiscard]] std::uint64_t make_tag(const TagKey& key, const TagInput& input) noexcept;

// SipHash-2-4 of `words` 64-bit words, each hashed as its 8 little-endian bytes (Aumasson and
// Bernstein, 2012). The reference test vectors hold.
[[nodiscard]] std::uint64_t siphash24(const TagKey& key, const std::uint64_t* words,
                                      std::size_t count) noexcept;

// A keyed permutation of 32-bit numbers, so that handles of consecutive slots look unrelated and
// cannot be guessed by who does not see our probes. Four Feistel rounds; the key is drawn at start.
// It hides, it does not authenticate: the tag and the checks on the quote do that.
class HandleCipher {
 public:
  explicit HandleCipher(const TagKey& key) noexcept;
  [[nodiscard]] std::uint32_t seal(std::uint32_t plain) const noexcept;
  [[nodiscard]] std::uint32_t open(std::uint32_t sealed) const noexcept;

  // For who does many at once (probes/identity/identity_burst.h).
  static constexpr std::size_t kRounds = 4;
  static constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: spreads bits
  [[nodiscard]] const std::array<std::uint64_t, kRounds>& round_keys() const noexcept {
    return round_keys_;
  }

 private:
  // A keyed function of 16 bits: multiply, fold the high bits down, multiply by the odd key.
  [[nodiscard]] static std::uint32_t mix(std::uint32_t half, std::uint64_t key) noexcept {
    std::uint64_t word = (half + key) * kSpread;
    word ^= word >> 29;
    word *= key | 1;
    return static_cast<std::uint32_t>(word >> 48);
  }

  std::array<std::uint64_t, kRounds> round_keys_;
};

// What follows is inline because the engine calls it for every packet.

inline void store_identity(std::byte* at, const Identity& identity) noexcept {
  BACKSIGHT_ASSERT(identity.id.number <= kMaxProbeNumber);
  store_be64(at, (std::uint64_t{identity.id.vp} << 48) | identity.id.number);
  store_be64(at + kIdentityTagOffset, identity.tag);
}

inline Identity load_identity(const std::byte* at) noexcept {
  const std::uint64_t id = load_be64(at);
  return {{static_cast<std::uint16_t>(id >> 48), id & kMaxProbeNumber},
          load_be64(at + kIdentityTagOffset)};
}

inline std::uint64_t identity_sum(const Identity& identity) noexcept {
  return halves((std::uint64_t{identity.id.vp} << 48) | identity.id.number) + halves(identity.tag);
}

inline std::uint64_t siphash24(const TagKey& key, const std::uint64_t* words,
                               std::size_t count) noexcept {
  std::uint64_t v0 = key.k0 ^ 0x736f6d6570736575;  // "somepseudorandomlygeneratedbytes"
  std::uint64_t v1 = key.k1 ^ 0x646f72616e646f6d;
  std::uint64_t v2 = key.k0 ^ 0x6c7967656e657261;
  std::uint64_t v3 = key.k1 ^ 0x7465646279746573;
  const auto rounds = [&](int times) {
    for (int i = 0; i < times; ++i) {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  };
  const auto absorb = [&](std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  };
  for (std::size_t i = 0; i < count; ++i) absorb(words[i]);
  absorb(std::uint64_t{count * 8} << 56);  // the length in bytes, modulo 256
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

inline std::uint64_t make_tag(const TagKey& key, const TagInput& input) noexcept {
  const auto words = tag_words(input);
  return siphash24(key, words.data(), words.size());
}

inline std::uint32_t HandleCipher::seal(std::uint32_t plain) const noexcept {
  std::uint32_t left = plain >> 16;
  std::uint32_t right = plain & 0xffff;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const std::uint32_t next = left ^ mix(right, round_keys_[round]);
    left = right;
    right = next;
  }
  return (left << 16) | right;
}

inline std::uint32_t HandleCipher::open(std::uint32_t sealed) const noexcept {
  std::uint32_t left = sealed >> 16;
  std::uint32_t right = sealed & 0xffff;
  for (std::size_t round = kRounds; round-- > 0;) {
    const std::uint32_t previous = right ^ mix(left, round_keys_[round]);
    right = left;
    left = previous;
  }
  return (left << 16) | right;
}

}  // namespace backsight::probes
