// A vantage point's place in the controller's tables: small, and never given to another one.
#pragma once

#include <cstdint>

namespace backsight::controller {

using VpIndex = std::uint16_t;
inline constexpr VpIndex kNoVp = 0xffff;

}  // namespace backsight::controller
