#include "config/reading/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string>

namespace backsight::config {
namespace {

tl::unexpected<Error> refused(const std::filesystem::path& file, std::string_view sentence) {
  return bad_usage(fmt::format("{}: {}", file.string(), sentence));
}

// Opens the file, if it is a regular one that nobody but its owner may touch.
Expected<int> open_secret(const std::filesystem::path& file, std::string_view remedy) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return refused(file, fmt::format("does not exist; {}", remedy));
  if (fd < 0) {
    return refused(
        file, fmt::format("cannot be opened ({}); let this user own it", std::strerror(errno)));
  }
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return refused(file, "is no regular file; name the file that holds the key");
  }
  if ((status.st_mode & 077) != 0) {
    ::close(fd);
    return refused(file, fmt::format("is open to others (mode {:04o}); close it with "
                                     "\"chmod 600 {}\"",
                                     status.st_mode & 07777, file.string()));
  }
  return fd;
}

// Reads until the file ends or `bytes` is full. Returns the bytes read, or -1 and errno.
ssize_t read_all(int fd, std::span<char> bytes) {
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(fd, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return got;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

SecretText::~SecretText() {
  if (!bytes_.empty()) sodium_memzero(bytes_.data(), bytes_.size());
}

Expected<SecretText> read_secret_file(const std::filesystem::path& file, std::size_t max_bytes,
                                      std::string_view remedy) {
  const auto fd = open_secret(file, remedy);
  if (!fd) return tl::unexpected(fd.error());
  SecretText secret(max_bytes);
  const ssize_t size = read_all(*fd, secret.bytes_);
  const int error = errno;
  ::close(*fd);
  if (size < 0) {
    return run_failed(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(error)));
  }
  secret.size_ = static_cast<std::size_t>(size);
  return secret;
}

}  // namespace backsight::config
