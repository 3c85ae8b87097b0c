#include "engine/device/interface_lock.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace backsight::engine {
namespace {

struct Address {
  explicit Address(const std::string& name) {
    form.sun_family = AF_UNIX;
    const std::string text = "backsight/port/" + name;
    const std::size_t bytes = std::min(text.size(), sizeof form.sun_path - 1);
    text.copy(form.sun_path + 1, bytes);  // a zero before it makes it abstract
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + bytes);
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&form); }
  sockaddr_un form{};
  socklen_t size;
};

int open_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

// "process 12", or what can be said of one that we cannot see.
std::string holder_of(const Address& address) {
  const int asking = open_socket();
  ucred who{};
  socklen_t size = sizeof who;
  const bool is_told = connect(asking, address.get(), address.size) == 0 &&
                       getsockopt(asking, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
  close(asking);
  return is_told && who.pid > 0 ? fmt::format("process {}", who.pid) : "another process";
}

}  // namespace

Expected<InterfaceLock> InterfaceLock::take(const std::string& port, const std::string& name) {
  InterfaceLock lock(open_socket());
  const Address address(name);
  if (lock.socket_ >= 0 && bind(lock.socket_, address.get(), address.size) == 0 &&
      listen(lock.socket_, 8) == 0) {
    return lock;
  }
  const int failed = errno;
  if (failed == EADDRINUSE) {
    return run_failed(
        fmt::format("port {}: {} of Backsight has {} already; an interface can have one", port,
                    holder_of(address), name));
  }
  return run_failed(
      fmt::format("port {}: {} cannot be claimed ({})", port, name, std::strerror(failed)));
}

InterfaceLock::InterfaceLock(InterfaceLock&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)) {}

InterfaceLock::~InterfaceLock() {
  if (socket_ >= 0) close(socket_);
}

}  // namespace backsight::engine
