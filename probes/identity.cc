#include "probes/identity.h"

namespace backsight::probes {

HandleCipher::HandleCipher(const TagKey& key) noexcept {
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    round_keys_[round] = siphash24(key, &round, 1);
  }
}

}  // namespace backsight::probes
