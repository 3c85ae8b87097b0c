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
#include <cstddef>
#include <cstdint>

#include "probes/address.h"
#include "probes/probe.h"

namespace backsight::probes {

inline constexpr std::size_t kIdentityBytes = 16;
inline constexpr std::size_t kIdentityTagOffset = 8;
inline constexpr std::uint64_t kMaxProbeNumber = (std::uint64_t{1} << 48) - 1;

struct ProbeId {
  std::uint16_t vp = 0;       // 1..65535
  std::uint64_t number = 0;   // 0..kMaxProbeNumber

  friend constexpr auto operator<=>(const ProbeId&, const ProbeId&) = default;
};

struct Identity {
  ProbeId id;
  std::uint64_t tag = 0;
};

// Writes and reads the 16 bytes above. REQUIRES: `at` has kIdentityBytes; number <= kMaxProbeNumber.
void store_identity(std::byte* at, const Identity& identity) noexcept;
[[nodiscard]] Identity load_identity(const std::byte* at) noexcept;

// The 128-bit key of one epoch (an hour), derived from the fleet key by whoever owns that.
struct TagKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// What the tag covers.
struct TagInput {
  ProbeId id;
  Ipv4Addr src;          // as sent: the spoofed source if there is one
  Ipv4Addr dst;          // as sent
  std::uint32_t handle;  // as sent; for a spoofed probe any value, carried in ICMP id and sequence
  Kind kind;
  bool is_spoofed;
};

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

 private:
  std::array<std::uint64_t, 4> round_keys_;
};

}  // namespace backsight::probes
