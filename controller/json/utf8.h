// Text from outside on its way into JSON, which is UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace backsight::controller {

// The text, with U+FFFD for each byte that is no part of a character.
[[nodiscard]] std::string as_utf8(std::string_view text);

}  // namespace backsight::controller
