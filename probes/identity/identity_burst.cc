#include "probes/identity/identity_burst.h"

#include <cstring>
#include <utility>

#include "probes/assert.h"
#include "probes/cpu_target.h"

namespace backsight::probes {
namespace {

// Two groups of lanes at a time keep both vector units busy: SipHash is one long chain.
constexpr std::size_t kGroups = 2;
constexpr std::size_t kStep = kGroups * kLanes;
static_assert(kIdentityBurst % kStep == 0);

BACKSIGHT_EACH_TARGET void rotate(Lanes& lanes, int by) noexcept {
  lanes = (lanes << by) | (lanes >> (64 - by));
}

struct SipState {
  Lanes v0[kGroups];
  Lanes v1[kGroups];
  Lanes v2[kGroups];
  Lanes v3[kGroups];
};

BACKSIGHT_EACH_TARGET void sip_round(SipState& s) noexcept {
  for (std::size_t g = 0; g < kGroups; ++g) {
    s.v0[g] += s.v1[g];
    s.v2[g] += s.v3[g];
    rotate(s.v1[g], 13);
    rotate(s.v3[g], 16);
    s.v1[g] ^= s.v0[g];
    s.v3[g] ^= s.v2[g];
    rotate(s.v0[g], 32);
    s.v2[g] += s.v1[g];
    s.v0[g] += s.v3[g];
    rotate(s.v1[g], 17);
    rotate(s.v3[g], 21);
    s.v1[g] ^= s.v2[g];
    s.v3[g] ^= s.v0[g];
    rotate(s.v2[g], 32);
  }
}

BACKSIGHT_EACH_TARGET void sip_absorb(SipState& s, const std::uint64_t* words) noexcept {
  Lanes word[kGroups];
  std::memcpy(word, words, sizeof word);
  for (std::size_t g = 0; g < kGroups; ++g) s.v3[g] ^= word[g];
  sip_round(s);
  sip_round(s);
  for (std::size_t g = 0; g < kGroups; ++g) s.v0[g] ^= word[g];
}

// siphash24() of kTagWords words, kStep probes at a time.
BACKSIGHT_EACH_TARGET void tags_body(const TagKey& key, const TagBurst& burst, std::size_t count,
                                     std::uint64_t* tags) noexcept {
  std::uint64_t length[kStep];
  for (std::uint64_t& it : length) it = std::uint64_t{kTagWords * 8} << 56;
  for (std::size_t at = 0; at < count; at += kStep) {
    SipState s;
    for (std::size_t g = 0; g < kGroups; ++g) {
      s.v0[g] = Lanes{} + (key.k0 ^ 0x736f6d6570736575);
      s.v1[g] = Lanes{} + (key.k1 ^ 0x646f72616e646f6d);
      s.v2[g] = Lanes{} + (key.k0 ^ 0x6c7967656e657261);
      s.v3[g] = Lanes{} + (key.k1 ^ 0x7465646279746573);
    }
    for (std::size_t word = 0; word < kTagWords; ++word) {
      sip_absorb(s, burst.words[word].data() + at);
    }
    sip_absorb(s, length);
    for (std::size_t g = 0; g < kGroups; ++g) s.v2[g] ^= Lanes{} + 0xff;
    for (int round = 0; round < 4; ++round) sip_round(s);
    Lanes tag[kGroups];
    for (std::size_t g = 0; g < kGroups; ++g) tag[g] = s.v0[g] ^ s.v1[g] ^ s.v2[g] ^ s.v3[g];
    std::memcpy(tags + at, tag, sizeof tag);
  }
}

// Adds to each lane of `to` the cipher's keyed function of the 16 bits in `half`.
BACKSIGHT_EACH_TARGET void mix_into(Lanes& to, const Lanes& half, std::uint64_t key) noexcept {
  Lanes word = (half + key) * HandleCipher::kSpread;
  word ^= word >> 29;
  word *= Lanes{} + (key | 1);
  to ^= word >> 48;
}

// Opening is sealing with the halves swapped and the keys from the last to the first.
template <bool kOpens>
BACKSIGHT_EACH_TARGET void permute_body(const HandleCipher& cipher, std::size_t count,
                                        std::uint64_t* handles) noexcept {
  const auto keys = cipher.round_keys();
  for (std::size_t at = 0; at < count; at += kLanes) {
    Lanes word;
    std::memcpy(&word, handles + at, sizeof word);
    Lanes first = (word >> 16) & 0xffff;
    Lanes second = word & 0xffff;
    if constexpr (kOpens) std::swap(first, second);
    for (std::size_t round = 0; round < keys.size(); ++round) {
      mix_into(first, second, keys[kOpens ? keys.size() - 1 - round : round]);
      std::swap(first, second);
    }
    if constexpr (kOpens) std::swap(first, second);
    word = (first << 16) | second;
    std::memcpy(handles + at, &word, sizeof word);
  }
}

void tags_128(const TagKey& key, const TagBurst& burst, std::size_t count,
              std::uint64_t* tags) noexcept {
  tags_body(key, burst, count, tags);
}
void seal_128(const HandleCipher& cipher, std::size_t count, std::uint64_t* handles) noexcept {
  permute_body<false>(cipher, count, handles);
}
void open_128(const HandleCipher& cipher, std::size_t count, std::uint64_t* handles) noexcept {
  permute_body<true>(cipher, count, handles);
}

BACKSIGHT_TARGET_256 void tags_256(const TagKey& key, const TagBurst& burst, std::size_t count,
                                   std::uint64_t* tags) noexcept {
  tags_body(key, burst, count, tags);
}
BACKSIGHT_TARGET_256 void seal_256(const HandleCipher& cipher, std::size_t count,
                                   std::uint64_t* handles) noexcept {
  permute_body<false>(cipher, count, handles);
}
BACKSIGHT_TARGET_256 void open_256(const HandleCipher& cipher, std::size_t count,
                                   std::uint64_t* handles) noexcept {
  permute_body<true>(cipher, count, handles);
}
BACKSIGHT_TARGET_512 void tags_512(const TagKey& key, const TagBurst& burst, std::size_t count,
                                   std::uint64_t* tags) noexcept {
  tags_body(key, burst, count, tags);
}
BACKSIGHT_TARGET_512 void seal_512(const HandleCipher& cipher, std::size_t count,
                                   std::uint64_t* handles) noexcept {
  permute_body<false>(cipher, count, handles);
}
BACKSIGHT_TARGET_512 void open_512(const HandleCipher& cipher, std::size_t count,
                                   std::uint64_t* handles) noexcept {
  permute_body<true>(cipher, count, handles);
}

constexpr IdentityTarget kAllTargets[] = {{512, tags_512, seal_512, open_512},
                                          {256, tags_256, seal_256, open_256},
                                          {128, tags_128, seal_128, open_128}};

std::span<const IdentityTarget> choose_targets() noexcept {
  const std::span<const IdentityTarget> all(kAllTargets);
  const unsigned widest = cpu_registers();
  return all.subspan(widest == 512 ? 0 : widest == 256 ? 1 : 2);
}

const std::span<const IdentityTarget> kTargets = choose_targets();

}  // namespace

void make_tags(const TagKey& key, const TagBurst& burst, std::size_t count,
               std::array<std::uint64_t, kIdentityBurst>& tags) noexcept {
  BACKSIGHT_ASSERT(count <= kIdentityBurst);
  kTargets.front().make_tags(key, burst, count, tags.data());
}

void seal_handles(const HandleCipher& cipher, std::size_t count,
                  std::array<std::uint64_t, kIdentityBurst>& handles) noexcept {
  BACKSIGHT_ASSERT(count <= kIdentityBurst);
  kTargets.front().seal_handles(cipher, count, handles.data());
}

void open_handles(const HandleCipher& cipher, std::size_t count,
                  std::array<std::uint64_t, kIdentityBurst>& handles) noexcept {
  BACKSIGHT_ASSERT(count <= kIdentityBurst);
  kTargets.front().open_handles(cipher, count, handles.data());
}

std::span<const IdentityTarget> identity_targets() noexcept { return kTargets; }

}  // namespace backsight::probes
