#include "probes/ip/ip_addr.h"

#include <arpa/inet.h>

namespace backsight::probes {

std::optional<IpAddr> parse_ip(std::string_view text) noexcept {
  if (text.find(':') == text.npos) {
    const auto address = parse_ipv4(text);
    return address ? std::optional(IpAddr(*address)) : std::nullopt;
  }
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  IpAddr::Bytes bytes;
  if (inet_pton(AF_INET6, terminated.data(), bytes.data()) != 1) return std::nullopt;
  return IpAddr(bytes);
}

std::string to_string(const IpAddr& address) {
  if (address.is_ipv4()) return to_string(address.ipv4());
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, address.bytes().data(), text.data(), text.size());
  return text.data();
}

}  // namespace backsight::probes
