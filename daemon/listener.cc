#include "daemon/listener.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/listen.h"

namespace backsight::daemon {
namespace {

// Returns the socket, or -1 and errno.
int listen_at(const addrinfo& address) {
  const int opened =
      socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
  const int yes = 1;
  if (opened >= 0 && setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      bind(opened, address.ai_addr, address.ai_addrlen) == 0 && listen(opened, SOMAXCONN) == 0) {
    return opened;
  }
  const int error = errno;
  if (opened >= 0) close(opened);
  errno = error;
  return -1;
}

}  // namespace

Expected<int> open_listener(const std::string& listen, const std::string& key,
                            const std::string& other) {
  const auto refused = [&](const std::string& why, const std::string& remedy) {
    return bad_usage(fmt::format("{}: {}: {}; {}", key, listen, why, remedy));
  };
  const std::string or_other = other.empty() ? "" : ", or " + other;
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return refused("no port", "write host:port");
  const std::string host(config::host_of(listen));
  const std::string port = listen.substr(colon + 1);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found); code != 0) {
    return refused(gai_strerror(code), "write an address of this machine, such as 127.0.0.1:9464");
  }
  int error = 0;
  int opened = -1;
  for (const addrinfo* at = found; at != nullptr && opened < 0; at = at->ai_next) {
    opened = listen_at(*at);
    if (opened < 0) error = errno;
  }
  freeaddrinfo(found);
  if (opened >= 0) return opened;
  return refused(std::strerror(error), (error == EADDRINUSE ? "choose another port"
                                                            : "write an address of this machine") +
                                           or_other);
}

}  // namespace backsight::daemon
