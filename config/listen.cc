#include "config/listen.h"

#include <charconv>

#include "config/fault.h"
#include "probes/ip/address.h"
#include "probes/ip/host_name.h"

namespace backsight::config {

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

std::optional<std::string> listen_fault(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
  if (colon == text.npos || host.empty() || host.find_first_of(" /") != host.npos ||
      (!is_bracketed && host.find(':') != host.npos)) {
    return in_quotes(text) + " is not host:port";
  }
  if (!probes::parse_ipv4(host) && probes::ends_in_number(host)) {
    return in_quotes(text) + " has a host that is neither an address nor a name";
  }
  if (!is_port(text.substr(colon + 1))) {
    return in_quotes(text) + " has a port that is not within 1..65535";
  }
  return std::nullopt;
}

std::string_view host_of(std::string_view listen) {
  std::string_view host = listen.substr(0, listen.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

bool is_loopback(std::string_view listen) {
  const std::string_view host = host_of(listen);
  const auto address = probes::parse_ipv4(host);
  return host == "localhost" || host == "::1" || (address && address->value >> 24 == 127);
}

}  // namespace backsight::config
