#include "cli/resolve.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include "probes/ip/host_name.h"

namespace backsight::cli {

Expected<probes::Ipv4Addr> resolve(const std::string& name) {
  if (const auto address = probes::parse_ipv4(name)) return *address;
  if (probes::ends_in_number(name)) {
    return bad_usage(fmt::format(
        "{}: no IPv4 address: four numbers of 0..255 with dots between and no zeros before them",
        name));
  }
  addrinfo wanted{};
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(name.c_str(), nullptr, &wanted, &found);
  if (code != 0) {
    return bad_usage(fmt::format("{}: no IPv4 address: {}", name, ::gai_strerror(code)));
  }
  const auto* address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  const probes::Ipv4Addr answer{ntohl(address->sin_addr.s_addr)};
  ::freeaddrinfo(found);
  return answer;
}

}  // namespace backsight::cli
