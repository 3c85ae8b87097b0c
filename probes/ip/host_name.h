// Names of hosts as people write them.
#pragma once

#include <string_view>

namespace backsight::probes {

// True for a host that is meant for a number and not a name: its last label is decimal or begins
// with 0x. Resolvers read "010.1.1.1", "1.2", "3325256711" and "0xc6336407" in inet_aton's way, as
// addresses that their writers did not mean; no domain ends so (RFC 1123, section 2.1).
[[nodiscard]] bool ends_in_number(std::string_view host) noexcept;

}  // namespace backsight::probes
