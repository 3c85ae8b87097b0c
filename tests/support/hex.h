// Packets as text that a person can read.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backsight::testing {

using Packet = std::vector<std::byte>;

// The bytes that `text` spells in hexadecimal. Blanks are ignored, and so is everything from # to
// the end of its line, so that a fixture explains itself. Aborts on anything else: the fixture is
// wrong.
[[nodiscard]] Packet from_hex(std::string_view text);

// Lower case, no blanks.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

}  // namespace backsight::testing
