// Puts right checksums into fuzzed bytes, which would guess one in 65,536.
#pragma once

#include <cstddef>
#include <span>

#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"

namespace backsight::fuzz {

// Makes the checksum field at `field` right for all of `bytes`; nothing if it lies beyond them.
inline void fix_checksum(std::span<std::byte> bytes, std::size_t field) {
  if (bytes.size() < field + 2) return;
  probes::store_be16(bytes.data() + field, 0);
  probes::store_be16(bytes.data() + field, probes::checksum_of(probes::ones_sum(bytes)));
}

}  // namespace backsight::fuzz
