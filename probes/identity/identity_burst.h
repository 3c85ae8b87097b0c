// The identities of many probes at once: the same tags and handles as probes/identity/identity.h
// makes, eight or more to a step where the CPU has wide registers (AVX2, AVX-512), chosen when the
// program runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/identity/identity.h"

namespace backsight::probes {

inline constexpr std::size_t kIdentityBurst = 64;

// What the tags of up to kIdentityBurst probes cover, word by word. Words beyond those set may hold
// anything.
struct TagBurst {
  std::array<std::array<std::uint64_t, kIdentityBurst>, kTagWords> words;

  void set(std::size_t index, const TagInput& input) noexcept {
    const auto of_probe = tag_words(input);
    for (std::size_t i = 0; i < kTagWords; ++i) words[i][index] = of_probe[i];
  }
  // The words of no tag: no input has them.
  void clear(std::size_t index) noexcept {
    for (auto& word : words) word[index] = 0;
  }
  [[nodiscard]] bool is(std::size_t index, const TagInput& input) const noexcept {
    const auto of_probe = tag_words(input);
    bool is_same = true;
    for (std::size_t i = 0; i < kTagWords; ++i) is_same &= words[i][index] == of_probe[i];
    return is_same;
  }
};

// Writes the tag of probe i to tags[i], for i below `count`. What lies beyond is overwritten with
// anything. REQUIRES: count <= kIdentityBurst.
void make_tags(const TagKey& key, const TagBurst& burst, std::size_t count,
               std::array<std::uint64_t, kIdentityBurst>& tags) noexcept;

// Seals the first `count` of `handles` in place; those beyond are overwritten with anything. Only
// the low 32 bits of each count and are set. REQUIRES: count <= kIdentityBurst.
void seal_handles(const HandleCipher& cipher, std::size_t count,
                  std::array<std::uint64_t, kIdentityBurst>& handles) noexcept;

// The reverse, with the same rules.
void open_handles(const HandleCipher& cipher, std::size_t count,
                  std::array<std::uint64_t, kIdentityBurst>& handles) noexcept;

// One way of doing the above.
struct IdentityTarget {
  unsigned register_bits;  // 512, 256 or 128
  void (*make_tags)(const TagKey&, const TagBurst&, std::size_t, std::uint64_t*) noexcept;
  void (*seal_handles)(const HandleCipher&, std::size_t, std::uint64_t*) noexcept;
  void (*open_handles)(const HandleCipher&, std::size_t, std::uint64_t*) noexcept;
};
// All ways that this CPU knows, the widest first; that one is used.
[[nodiscard]] std::span<const IdentityTarget> identity_targets() noexcept;

}  // namespace backsight::probes
