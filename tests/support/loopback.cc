#include "tests/support/loopback.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

namespace backsight {
namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "backsight-XXXXXX").string();
  path_ = mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(std::string_view name, std::string_view text) const {
  const std::filesystem::path file = path_ / name;
  std::ofstream(file, std::ios::binary) << text;
  return file.string();
}

std::string file_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool eventually(const std::function<bool()>& is_so) {
  const auto ends = std::chrono::steady_clock::now() + 20s;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > ends) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

int free_port() {
  const int opened = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  bind(opened, reinterpret_cast<const sockaddr*>(&address), size);
  getsockname(opened, reinterpret_cast<sockaddr*>(&address), &size);
  close(opened);
  return ntohs(address.sin_port);
}

int occupy(int port) {
  const int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  if (bind(opened, at, sizeof address) == 0 && listen(opened, 1) == 0) return opened;
  close(opened);
  return -1;
}

int connect_and_send(int port, std::string_view text) {
  const int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{10, 0};
  setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(port);
  if (connect(opened, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(opened);
    return -1;
  }
  static_cast<void>(send(opened, text.data(), text.size(), MSG_NOSIGNAL));
  return opened;
}

std::string receive_all(int opened) {
  std::string text;
  std::array<char, 4096> bytes;
  while (opened >= 0) {
    const ssize_t count = recv(opened, bytes.data(), bytes.size(), 0);
    if (count <= 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return text;
}

HttpAnswer http(int port, std::string_view path, std::string_view method, std::string_view body,
                std::string_view more) {
  const std::string length = body.empty() ? "" : fmt::format("Content-Length: {}\r\n", body.size());
  const int opened =
      connect_and_send(port, fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}{}\r\n{}", method,
                                         path, length, more, body));
  if (opened < 0) return {};
  const std::string text = receive_all(opened);
  close(opened);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  return {.status = std::atoi(text.c_str() + text.find(' ')),
          .head = text.substr(0, end + 2),
          .body = text.substr(end + 4)};
}

}  // namespace backsight
