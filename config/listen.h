// Where a program listens: "host:port", as config files write it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace backsight::config {

// Whether it is a number within 1..65535.
[[nodiscard]] bool is_port(std::string_view text);

// What is wrong with it, as a clause that begins with the text in quotes; nothing: it is right.
// The host is a name or an address, one of IPv6 in brackets.
[[nodiscard]] std::optional<std::string> listen_fault(std::string_view text);

// Whether only this machine reaches it. REQUIRES: no listen_fault.
[[nodiscard]] bool is_loopback(std::string_view listen);

// The host without its port and brackets. REQUIRES: no listen_fault.
[[nodiscard]] std::string_view host_of(std::string_view listen);

}  // namespace backsight::config
