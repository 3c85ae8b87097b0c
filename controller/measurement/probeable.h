// Which addresses of a path are worth a probe.
#pragma once

#include <algorithm>
#include <array>

#include "probes/address.h"

namespace backsight::controller {

// Not so private ones (RFC 1918, 6598, 3927): they show on paths, and are somebody else's
// elsewhere.
[[nodiscard]] inline bool can_be_probed(probes::Ipv4Addr address) noexcept {
  constexpr std::array<probes::Ipv4Prefix, 5> kPrivate{{{{0x0a000000}, 8},
                                                        {{0xac100000}, 12},
                                                        {{0xc0a80000}, 16},
                                                        {{0x64400000}, 10},
                                                        {{0xa9fe0000}, 16}}};
  return !address.is_unspecified() &&
         std::ranges::none_of(kPrivate, [&](const auto& it) { return it.contains(address); });
}

}  // namespace backsight::controller
