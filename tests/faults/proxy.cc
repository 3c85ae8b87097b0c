#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>

namespace backsight::faults {

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int connect_to(int port) {
  const int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (connect(opened, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return opened;
  }
  close(opened);
  return -1;
}

// Everything that stands in `from` to `to`. False: one of them is gone.
bool forward(int from, int to) {
  std::array<char, 65536> bytes;
  const ssize_t got = recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t count =
        send(to, bytes.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += count;
  }
  return true;
}

}  // namespace

Proxy::Proxy(int target) : target_(target) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  listen(listener_, 64);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  ends_ = true;
  thread_.join();
  close(listener_);
}

void Proxy::run() {
  std::map<int, int> peers;  // both ways
  const auto drop = [&peers](int one) {
    const int other = peers.at(one);
    peers.erase(one);
    peers.erase(other);
    close(one);
    close(other);
  };
  while (!ends_) {
    if (cuts_.exchange(false)) {
      while (!peers.empty()) drop(peers.begin()->first);
    }
    std::vector<pollfd> waiting{{listener_, POLLIN, 0}};
    if (!swallows_) {
      for (const auto& [one, other] : peers) waiting.push_back({one, POLLIN, 0});
    }
    if (poll(waiting.data(), waiting.size(), 5) <= 0) continue;
    for (const pollfd& ready : waiting) {
      if (ready.revents == 0) continue;
      if (ready.fd != listener_) {
        if (peers.contains(ready.fd) && !forward(ready.fd, peers.at(ready.fd))) drop(ready.fd);
        continue;
      }
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const int server = client < 0 ? -1 : connect_to(target_);
      if (server < 0) {
        close(client);
        continue;
      }
      peers[client] = server;
      peers[server] = client;
    }
  }
  while (!peers.empty()) drop(peers.begin()->first);
}

}  // namespace backsight::faults
