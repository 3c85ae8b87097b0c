// Many echo probes of one shape at once: the same bytes as Template::craft() writes one by one,
// with the sums of eight probes to a step.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/crafting/template.h"
#include "probes/identity/identity_burst.h"

namespace backsight::probes {

// What varies from probe to probe; what their tags cover is in the TagBurst.
struct EchoBurst {
  std::array<std::byte*, kIdentityBurst> out;           // where each goes: kMaxProbeBytes of room
  std::array<std::uint64_t, kIdentityBurst> ip_id;      // 0..65535
  std::array<std::uint64_t, kIdentityBurst> ttl;        // 0..255
  std::array<std::uint64_t, kIdentityBurst> tags;       // see make_tags()
  std::array<std::uint16_t, kIdentityBurst> checksums;  // written: ICMP's, as sent (host order)
};

// Writes the first `count` probes. What lies beyond in the arrays may be anything.
// REQUIRES: shape.is_plain_echo(); count <= kIdentityBurst.
void craft_echoes(const Template& shape, const TagBurst& words, std::size_t count,
                  EchoBurst& burst) noexcept;

// One way of doing the above.
struct CraftTarget {
  unsigned register_bits;
  void (*craft_echoes)(const Template&, const TagBurst&, std::size_t, EchoBurst&) noexcept;
};
// All ways that this CPU knows, the widest first; that one is used.
[[nodiscard]] std::span<const CraftTarget> craft_targets() noexcept;

}  // namespace backsight::probes
