#include "probes/identity/identity.h"

#include <algorithm>

namespace backsight::probes {

HandleCipher::HandleCipher(const TagKey& key) noexcept {
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    round_keys_[round] = siphash24(key, &round, 1);
  }
}

bool is_cut_of(const Identity& seen, const Identity& whole) noexcept {
  std::array<std::byte, kIdentityBytes> left;
  std::array<std::byte, kIdentityBytes> sent;
  store_identity(left.data(), seen);
  store_identity(sent.data(), whole);
  const auto cut = std::ranges::mismatch(left, sent).in1;
  return std::all_of(cut, left.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace backsight::probes
